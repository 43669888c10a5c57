// Types for the only function of fzstd that is used.
declare module "fzstd" {
  export function decompress(packed: Uint8Array, target?: Uint8Array): Uint8Array;
}
