// Image tiles: fetched when needed; a limited number is kept.
import { getBlob } from "./api.ts";

const MOST_TILES = 96;

export class Tiles {
  readonly #tiles = new Map<string, ImageBitmap | "asked">();
  readonly #address: string;
  readonly #came: () => void;
  /** Tiles of these entries are kept. */
  #entries: readonly number[] = [];

  /** Fetches tiles from `address`/entry/level/column/row; calls `came` when one has arrived. */
  constructor(address: string, came: () => void) {
    this.#address = address;
    this.#came = came;
  }

  /** Returns the tile entry/level/column/row; undefined if it is not loaded. Starts to load it if `fetching` is set. */
  get(key: string, fetching: boolean): ImageBitmap | undefined {
    const known = this.#tiles.get(key);
    if (known !== undefined && known !== "asked") return known;
    if (known === undefined && fetching) {
      this.#tiles.set(key, "asked");
      void this.#fetch(key);
    }
    return undefined;
  }

  /** Drops the tiles of all other entries. */
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
      // The server has a newer frame already, which is shown next.
      this.#tiles.delete(key);
    }
  }

  /** Drops tiles of other entries, and the oldest tiles if there are too many. */
  #forget(): void {
    for (const [key, tile] of this.#tiles) {
      const wanted = this.#entries.some((entry) => key.startsWith(`${entry}/`));
      if (tile === "asked" || (wanted && this.#tiles.size <= MOST_TILES)) continue;
      tile.close();
      this.#tiles.delete(key);
    }
  }
}
