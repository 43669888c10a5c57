// The tiles of a picture: fetched when they are looked for, a bounded number of them kept.
import { getBlob } from "./api.ts";

const MOST_TILES = 96;

export class Tiles {
  readonly #tiles = new Map<string, ImageBitmap | "asked">();
  readonly #address: string;
  readonly #came: () => void;
  /** Entries whose tiles are kept. */
  #entries: readonly number[] = [];

  /** Tiles come from `address`/entry/level/column/row; `came` is called when one is here. */
  constructor(address: string, came: () => void) {
    this.#address = address;
    this.#came = came;
  }

  /** By entry/level/column/row; undefined while it is not here, and with `fetching` it is on its way. */
  get(key: string, fetching: boolean): ImageBitmap | undefined {
    const known = this.#tiles.get(key);
    if (known !== undefined && known !== "asked") return known;
    if (known === undefined && fetching) {
      this.#tiles.set(key, "asked");
      void this.#fetch(key);
    }
    return undefined;
  }

  /** Tiles of other entries go. */
  keep(entries: readonly number[]): void {
    this.#entries = entries;
    this.#forget();
  }

  close(): void {
    for (const tile of this.#tiles.values()) if (tile !== "asked") tile.close();
    this.#tiles.clear();
  }

  async #fetch(key: string): Promise<void> {
    try {
      this.#tiles.set(key, await createImageBitmap(await getBlob(`${this.#address}/${key}`)));
      this.#forget();
      this.#came();
    } catch {
      // The picture has moved on; the next one is on its way.
      this.#tiles.delete(key);
    }
  }

  /** Tiles of other entries go, and the oldest where there are too many. */
  #forget(): void {
    for (const [key, tile] of this.#tiles) {
      const wanted = this.#entries.some((entry) => key.startsWith(`${entry}/`));
      if (tile === "asked" || (wanted && this.#tiles.size <= MOST_TILES)) continue;
      tile.close();
      this.#tiles.delete(key);
    }
  }
}
