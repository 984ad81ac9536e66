/**
 * Relations of MIT's and Heimdal's krb5.conf that have no effect here.
 *
 * @module
 */

/** Relations of `[libdefaults]`. */
const LIBDEFAULTS =
  `allow_des3 allow_rc4 allow_weak_crypto ap_req_checksum_type ccache_type client_aware_channel_bindings
  default_client_keytab_name default_etypes default_rcache_name dns_canonicalize_hostname dns_fallback dns_lookup_realm
  dns_uri_lookup enforce_ok_as_delegate err_fmt extra_addresses fcache_version ignore_acceptor_hostname k5login_authoritative
  k5login_directory kcm_mach_service kcm_socket kdc_default_options kdc_req_checksum_type kdc_timeout max_retries noaddresses
  plugin_base_dir preferred_preauth_types qualify_shortname rdns realm_try_domains request_timeout safe_checksum_type
  spake_preauth_groups verify_ap_req_nofail warn_pwexpire`;

/** Relations and subsections of a realm in `[realms]`. */
const REALM = `admin_server auth_to_local auth_to_local_names auto_fast_armor database_module default_domain
  disable_encrypted_timestamp http_anchors kpasswd_server pkinit_anchors pkinit_cert_match pkinit_dh_min_bits pkinit_eku_checking
  pkinit_identities pkinit_kdc_hostname pkinit_pool pkinit_require_crl_checking pkinit_revoke sitename v4_instance_convert
  v4_name_convert v4_realm`;

/** Sections that are for other programs, or for parts that do not exist here. */
const SECTIONS = "appdefaults dbdefaults dbmodules kdc kdcdefaults login logging otp password_quality plugins";

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));
const KNOWN = { libdefaults: words(LIBDEFAULTS), realm: words(REALM), sections: words(SECTIONS) };

/**
 * Whether a relation is known, though it has no effect here.
 *
 * @param path Names of its sections and its own name.
 */
export function isKnownRelation(path: readonly string[]): boolean {
  const [section, name, inner] = path;
  if (section === "libdefaults") return path.length === 2 ? KNOWN.libdefaults.has(name!) : true;
  if (section === "realms") return path.length > 2 && KNOWN.realm.has(inner!);
  return KNOWN.sections.has(section!);
}
