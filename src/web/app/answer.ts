// Loads one answer of the server, and retries while the server temporarily cannot answer.
import { useEffect, useState } from "preact/hooks";
import { isForNow, reasonOf } from "./api.ts";

const AGAIN_MS = 3000;

export interface Answer<T> {
  /** Answer for the current address; undefined until it arrives. */
  readonly value: T | undefined;
  /** Why there is none; empty while it is loading. */
  readonly message: string;
}

const NOTHING = { value: undefined, message: "" };

/** Loads `path` with `load`; nothing while it is undefined. */
export function useAnswer<T>(path: string | undefined, load: (path: string) => Promise<T>): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { readonly of: string | undefined }>({ ...NOTHING, of: undefined });
  useEffect(() => {
    if (path === undefined) return;
    let ended = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    const read = () =>
      load(path).then(
        (value) => {
          if (!ended) setAnswer({ value, message: "", of: path });
        },
        (error: unknown) => {
          if (ended) return;
          setAnswer({ value: undefined, message: reasonOf(error), of: path });
          if (isForNow(error)) again = setTimeout(() => void read(), AGAIN_MS);
        },
      );
    void read();
    return () => {
      ended = true;
      clearTimeout(again);
    };
  }, [path]);
  return answer.of === path ? answer : NOTHING;
}

/** Returns the address of a picture for an <img>; undefined without one. It is valid while the component shows this picture. */
export function usePictureAddress(picture: Blob | undefined): string | undefined {
  const [made, setMade] = useState<{ readonly of: Blob; readonly address: string }>();
  useEffect(() => {
    if (picture === undefined) return;
    const address = URL.createObjectURL(picture);
    setMade({ of: picture, address });
    return () => URL.revokeObjectURL(address);
  }, [picture]);
  return made?.of === picture ? made?.address : undefined;
}
