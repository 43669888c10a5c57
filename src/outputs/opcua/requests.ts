// Sends requests of any length in pieces of a size that the server accepts. Its limits are read once; if a server states none, or
// enforces others, smaller pieces are tried until it answers.

/** Largest number of items of one kind per request; reduced when the server says that it was too much. */
export interface Limit {
  max: number;
  /** The largest size found because the server said that more is too much: this will stay so. */
  told?: number;
}

const TOO_MUCH =
  /BadTooManyOperations|BadRequestTooLarge|BadResponseTooLarge|BadEncodingLimitsExceeded|BadTcpMessageTooLarge/;

/** Sends `items` in pieces and returns the answers in order. Rethrows errors of `send`, unless a smaller piece may help. */
export async function inPieces<Item, Answer>(
  items: readonly Item[],
  limit: Limit,
  send: (piece: Item[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < items.length) {
    const piece = items.slice(answers.length, answers.length + limit.max);
    try {
      const got = await send(piece);
      if (got.length !== piece.length) throw new RangeError(`${got.length} answers came to ${piece.length} questions`);
      for (const answer of got) answers.push(answer);
    } catch (error) {
      if (!(error instanceof Error) || !TOO_MUCH.test(error.message) || piece.length === 1) throw error;
      limit.max = Math.ceil(piece.length / 2);
      limit.told = limit.max;
    }
  }
  return answers;
}
