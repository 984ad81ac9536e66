#!/usr/bin/env bash
# Installs and builds the real peers that tests/interop/ talks to.  Needs root on Debian 12 (apt).
#
#   tests/interop/peers/build.sh            everything that is missing
#
# Slow builds go to a cache folder outside the checkout, $GSSOCKS_PEERS (default ~/.cache/gssocks-peers), and are
# rebuilt only when missing or when this file's recipe number changes:
#   dante/sbin/sockd, dante/lib/libdsocks.so   Dante with GSSAPI (Debian's own package is configured without it)
#   curl/curl                                  curl 8.16+ with GSSAPI, from Debian testing's source (Debian 12 has 7.88)
#   gss_peer                                   a token-level peer on MIT libgssapi (gss_peer.c beside this file)
#   heimdal/bin/*                              Heimdal's KDC, kadmin, kcm and clients, and gss_peer on its libgssapi: unpacked
#                                              from Debian's packages, which cannot be installed beside MIT's
#   java/GssPeer.class                         the same peer on Java's own Kerberos (GssPeer.java)
#   listen_once                                a program that accepts one connection, for Dante's client library
#   profile_dump                               what MIT's library makes of a krb5.conf (profile_dump.c beside this file)
#   load                                       origin and load for the benchmarks (tests/bench/load.c)
#   ends, heimdal/bin/ends                     both ends of contexts for the benchmarks, on both libraries (tests/bench/ends/ends.c)
#   npm/node_modules/kerberos                  the addon that JavaScript users take, from the npm registry, for the benchmarks
#   site/node_modules                          what builds the site of the guides (docs/site/packages.json), from the npm registry
#   runtimes/*                                 Node 22 and 24, Bun, workerd, edge-runtime, Deno, with vitest and TypeScript, from the npm
#                                              registry (runtimes/cache is npm's own, for projects that tests make)
#   samba/                                     a provisioned domain of Samba's Active Directory (samba.sh beside this file)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${GSSOCKS_PEERS:-$HOME/.cache/gssocks-peers}
recipe=1
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
mkdir -p "$root/logs"

# Debian 12 has no hev-socks5-server and no 3proxy; of its SOCKS5 servers, the benchmarks take Dante, microsocks, OpenSSH and V2Ray.
packages=(krb5-kdc krb5-admin-server krb5-user libkrb5-dev gcc g++ make libc6-dev dpkg-dev curl
  netcat-openbsd openssh-client openssh-server chromium tcpdump microsocks v2ray openssl
  openjdk-17-jdk-headless libcap-ng0 libdb5.3 libedit2 libldap-2.5-0 libsqlite3-0 libcom-err2
  postgresql-15 slapd
  dnsmasq-base redis-server redis-sentinel haproxy nftables iproute2 util-linux python3 tor fail2ban bash zsh fish systemd man-db groff-base
  samba samba-ad-dc samba-dsdb-modules samba-vfs-modules samba-ad-provision ldb-tools winbind sssd-kcm openconnect)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "peers: installing ${missing[*]}"
  apt-get update -qq >"$root/logs/apt.log" 2>&1 || true
  # The servers among them are started by tests, on ports of their own, and not by the installation.
  RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$root/logs/apt.log" 2>&1 ||
    { tail -20 "$root/logs/apt.log"; exit 1; }
fi

# apt_source SUITE PACKAGE[=VERSION] DIR: the source package, with lists and cache of its own
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
apt_in() { # apt_in SUITE DIR COMMAND...
  local suite=$1 dir=$2
  shift 2
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$dir/sources.list"
  "$@" -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache"
}

stamp() { [ "$(cat "$root/$1.recipe" 2>/dev/null)" = "$recipe" ]; }

build_dante() {
  stamp dante && [ -x "$root/dante/sbin/sockd" ] && return 0
  echo "peers: building Dante with GSSAPI"
  local work=$root/build-dante
  rm -rf "$work" && mkdir -p "$work" && cd "$work"
  apt_in bookworm "$work/apt" apt-get -qq update
  apt_in bookworm "$work/apt" apt-get -qq source --download-only dante
  dpkg-source --no-check -x dante_*.dsc src
  cd src
  # An exported context with an Active Directory PAC is larger than the 2000 octets Dante allows for.
  sed -i 's/^#define MAX_GSS_STATE .*/#define MAX_GSS_STATE (20000)/' include/common.h
  # Equal times, so that make does not ask for the autotools the sources were made with.
  find . -type f -exec touch -h -d '2020-01-01' {} +
  ./configure --prefix="$root/dante" --with-gssapi --without-upnp --without-ldap --without-sasl --without-pam --without-libwrap
  cp lib/config_parse.c lib/config_scan.c dlib/
  cp lib/config_parse.c lib/config_scan.c sockd/
  touch -d '2020-01-01' {dlib,sockd}/config_{parse,scan}.c
  make -j"$(nproc)"
  make install
  cd "$root" && rm -rf "$work"
  echo "$recipe" >"$root/dante.recipe"
}

build_curl() {
  stamp curl && [ -x "$root/curl/curl" ] && return 0
  echo "peers: building curl with GSSAPI"
  local work=$root/build-curl version
  rm -rf "$work" && mkdir -p "$work" "$root/curl" && cd "$work"
  apt_in testing "$work/apt" apt-get -qq update
  # The newest listed version may have left the pool already; the older ones listed are tried after it.
  for version in $(apt_in testing "$work/apt" apt-cache showsrc curl | awk '/^Version:/ { print $2 }' | sort -rV) 8.21.0-2; do
    apt_in testing "$work/apt" apt-get -qq source --download-only "curl=$version" && break
    rm -f curl_*
  done
  mkdir src
  tar xf "$(ls curl_*.orig.tar.* | grep -v asc)" -C src --strip-components=1
  cd src
  ./configure --disable-shared --enable-static --with-gssapi --without-ssl --without-libpsl --without-zlib --without-brotli \
    --without-zstd --without-nghttp2 --without-libidn2 --disable-ldap --disable-manual --disable-docs --without-libssh2
  make -j"$(nproc)"
  cp src/curl "$root/curl/curl"
  cd "$root" && rm -rf "$work"
  echo "$recipe" >"$root/curl.recipe"
}

build_heimdal() {
  stamp heimdal && [ -x "$root/heimdal/bin/gss_peer" ] && [ "$root/heimdal/bin/gss_peer" -nt "$here/gss_peer.c" ] && return 0
  echo "peers: unpacking Heimdal"
  local work=$root/build-heimdal lib program name
  rm -rf "$work" "$root/heimdal" && mkdir -p "$work" "$root/heimdal/bin" && cd "$work"
  apt-get update -qq || true
  apt-get -qq -o APT::Sandbox::User=root download heimdal-kdc heimdal-clients heimdal-kcm heimdal-multidev \
    lib{asn1-8,gssapi3,hcrypto5,hdb9,heimbase1,heimntlm0,hx509-5,kadm5clnt7,kadm5srv8,kafs0,kdc2,krb5-26,otp0,roken19,sl0,wind0}-heimdal
  for name in *.deb; do dpkg -x "$name" "$root/heimdal"; done
  lib=$root/heimdal/usr/lib/$(gcc -print-multiarch)
  # Only these programs see Heimdal's libraries. "kinit" and its like have the names of MIT's.
  for program in "$root"/heimdal/usr/lib/heimdal-servers/* "$root"/heimdal/usr/sbin/{kcm,kstash} \
    "$root"/heimdal/usr/bin/{kinit,klist,kdestroy,kadmin,ktutil,kpasswd}.heimdal "$root/heimdal/usr/bin/"{kgetcred,heimtools}; do
    [ -e "$program" ] || continue
    name=$(basename "$program" .heimdal)
    printf '#!/bin/bash\nLD_LIBRARY_PATH=%s exec -a %s %s "$@"\n' "$lib" "$name" "$program" >"$root/heimdal/bin/$name"
    chmod +x "$root/heimdal/bin/$name"
  done
  gcc -O2 -Wall -I"$root/heimdal/usr/include/heimdal" -o "$root/heimdal/bin/gss_peer" "$here/gss_peer.c" \
    "$lib/libgssapi.so.3" -Wl,-rpath,"$lib" -Wl,-rpath-link,"$lib" -Wl,--disable-new-dtags
  cd "$root" && rm -rf "$work"
  echo "$recipe" >"$root/heimdal.recipe"
}

# Of each only one program is needed, and no service of Debian's beside it.
build_promtool() {
  stamp promtool && [ -x "$root/prometheus/usr/bin/promtool" ] && [ -x "$root/mandoc/usr/bin/mandoc" ] && return 0
  echo "peers: unpacking promtool and mandoc"
  local work=$root/build-promtool name
  rm -rf "$work" "$root/prometheus" "$root/mandoc" && mkdir -p "$work" && cd "$work"
  apt-get update -qq || true
  apt-get -qq -o APT::Sandbox::User=root download prometheus mandoc
  for name in prometheus mandoc; do dpkg -x "$name"_*.deb "$root/$name"; done
  rm "$root/prometheus/usr/bin/prometheus"
  cd "$root" && rm -rf "$work"
  echo "$recipe" >"$root/promtool.recipe"
}

# Its install script would download what is built here: node-gyp does no more for it than this.
build_addon() {
  local package=$root/npm/node_modules/kerberos headers
  stamp addon && [ -e "$package/build/Release/kerberos.node" ] && return 0
  headers=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")/include/node
  [ -e "$headers/node_api.h" ] || { echo "peers: no headers of Node.js: npm's kerberos is left out"; return 0; }
  echo "peers: building npm's kerberos"
  rm -rf "$root/npm" && mkdir -p "$root/npm" && cd "$root/npm"
  npm install --silent --no-save --ignore-scripts --prefix . kerberos@7.0.0
  mkdir -p "$package/build/Release"
  g++ -O2 -std=c++17 -fPIC -shared -I"$headers" -Inode_modules/node-addon-api -DNAPI_VERSION=9 -DNODE_GYP_MODULE_NAME=kerberos \
    -DKERBEROS_USE_RTLD=1 -o "$package/build/Release/kerberos.node" "$package"/src/kerberos.cc "$package"/src/unix/*.cc -ldl
  echo "$recipe" >"$root/addon.recipe"
}

build_runtimes() {
  stamp runtimes && [ -e "$root/runtimes/tools/node_modules/deno/package.json" ] && return 0
  echo "peers: installing JavaScript runtimes"
  rm -rf "$root/runtimes"
  local install=(npm install --loglevel=error --no-save --no-audit --no-fund --cache "$root/runtimes/cache" --prefix)
  mkdir -p "$root"/runtimes/{node22,node24,tools}
  "${install[@]}" "$root/runtimes/node22" node@22.23.3
  "${install[@]}" "$root/runtimes/node24" node@24.21.0
  "${install[@]}" "$root/runtimes/tools" bun@1.4.5 workerd@1.20261117.1 edge-runtime@4.0.1 vitest@5.1.1 typescript@7.0.2 \
    @types/node@22.20.5 asn1js@4.0.0 esbuild@0.28.2 deno@2.9.6
  echo "$recipe" >"$root/runtimes.recipe"
}

# Each build runs in a shell of its own: "set -e" has no force in a function whose status is asked for.
case ${1:-} in
  dante | curl | heimdal | addon | promtool | runtimes) "build_$1"; exit 0 ;;
esac
for peer in dante curl heimdal addon promtool runtimes; do
  "$here/build.sh" "$peer" >"$root/logs/$peer.log" 2>&1 || { tail -20 "$root/logs/$peer.log"; echo "peers: $peer failed"; exit 1; }
done
load=$here/../../bench/load.c
if [ ! -x "$root/load" ] || [ "$load" -nt "$root/load" ]; then
  gcc -O2 -Wall -o "$root/load" "$load" -lgssapi_krb5 -lkrb5
fi
ends=$here/../../bench/ends/ends.c
if [ ! -x "$root/ends" ] || [ "$ends" -nt "$root/ends" ]; then
  gcc -O2 -Wall -o "$root/ends" "$ends" -lgssapi_krb5 -lkrb5
fi
if [ ! -x "$root/heimdal/bin/ends" ] || [ "$ends" -nt "$root/heimdal/bin/ends" ]; then
  lib=$root/heimdal/usr/lib/$(gcc -print-multiarch)
  gcc -O2 -Wall -DHEIMDAL -I"$root/heimdal/usr/include/heimdal" -o "$root/heimdal/bin/ends" "$ends" "$lib/libgssapi.so.3" \
    "$lib/libkrb5.so.26" -Wl,-rpath,"$lib" -Wl,-rpath-link,"$lib" -Wl,--disable-new-dtags
fi
if [ ! -x "$root/gss_peer" ] || [ "$here/gss_peer.c" -nt "$root/gss_peer" ]; then
  gcc -O2 -Wall -o "$root/gss_peer" "$here/gss_peer.c" -lgssapi_krb5
fi
if [ ! -x "$root/profile_dump" ] || [ "$here/profile_dump.c" -nt "$root/profile_dump" ]; then
  gcc -O2 -Wall -o "$root/profile_dump" "$here/profile_dump.c" -lkrb5
fi
if [ ! -e "$root/java/GssPeer.class" ] || [ "$here/GssPeer.java" -nt "$root/java/GssPeer.class" ]; then
  javac -Xlint:all -Werror -d "$root/java" "$here/GssPeer.java"
fi
if [ ! -x "$root/listen_once" ] || [ "$here/listen_once.c" -nt "$root/listen_once" ]; then
  gcc -O2 -Wall -o "$root/listen_once" "$here/listen_once.c"
fi
# The stamp comes last, and it changes with what the domain is made of.
domain=$(cat "$here/samba.sh" "$here/samba_accounts.py" | sha256sum)
if [ "$(cat "$root/samba.recipe" 2>/dev/null)" != "$domain" ]; then
  echo "peers: provisioning a domain of Samba's Active Directory"
  rm -f "$root/samba.recipe"
  "$here/samba.sh" "$root/samba.new" >"$root/logs/samba.log" 2>&1 || { tail -20 "$root/logs/samba.log"; exit 1; }
  rm -rf "$root/samba" && mv "$root/samba.new" "$root/samba"
  echo "$domain" >"$root/samba.recipe"
fi
generator=$(sha256sum <"$here/../../../docs/site/packages.json")
if [ "$(cat "$root/site.recipe" 2>/dev/null)" != "$generator" ]; then
  echo "peers: installing what builds the site"
  rm -rf "$root/site" && mkdir -p "$root/site"
  cp "$here/../../../docs/site/packages.json" "$root/site/package.json"
  npm install --silent --no-audit --no-fund --prefix "$root/site" >"$root/logs/site.log" 2>&1 || { tail -20 "$root/logs/site.log"; exit 1; }
  echo "$generator" >"$root/site.recipe"
fi
echo "peers: ready in $root"
