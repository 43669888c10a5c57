// The form for the access token.
import { useState } from "preact/hooks";

interface TokenFormProps {
  readonly title: string;
  readonly message: string;
  readonly button: string;
  enter(token: string): void;
}

export function TokenForm({ title, message, button, enter }: TokenFormProps) {
  const [typed, setTyped] = useState("");
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        enter(typed.trim());
      }}
    >
      <h2>{title}</h2>
      <p>{message}</p>
      <label class="wide">
        Token (in the file web_token of the experiment)
        <input
          type="password"
          autocomplete="off"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <button type="submit">{button}</button>
    </form>
  );
}
