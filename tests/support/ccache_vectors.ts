/**
 * The cases of `ccache.json` and `captured_ccache.json`: credential caches that other programs wrote, with what is in them.
 *
 * @module
 */

/** A credential cache file, and its contents. */
export interface CcacheCase {
  readonly name: string;
  readonly file_hex: string;
  readonly decoded: {
    readonly version: number;
    readonly default_principal: { readonly realm: string; readonly components: string[] };
    readonly credentials: readonly {
      readonly server: { readonly realm: string; readonly components: string[] };
      readonly key: { readonly enctype: number; readonly key_hex: string };
      readonly endtime: number;
      readonly ticket_flags_hex: string;
      readonly ticket_hex: string;
    }[];
  };
}
