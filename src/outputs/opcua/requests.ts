// Requests of any length, sent in pieces as large as the server takes. Its own limits are read once; a server that names
// none, or other than it keeps, is asked with less until it answers.

/** The most items of one kind that go into one request; shrinks when the server says it was too much. */
export interface Limit {
  max: number;
  /** The largest piece that it came to because the server said that more is too much: so it will tomorrow. */
  told?: number;
}

const TOO_MUCH =
  /BadTooManyOperations|BadRequestTooLarge|BadResponseTooLarge|BadEncodingLimitsExceeded|BadTcpMessageTooLarge/;

/** Sends `items` in pieces and returns the answers in order. What `send` throws continues, unless a smaller piece may help. */
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
