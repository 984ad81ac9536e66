#!/usr/bin/env bash
# Provisions a domain of Samba's Active Directory, AD.TEST, with the accounts that tests use.
#
#   tests/interop/peers/samba.sh FOLDER      writes FOLDER/private, FOLDER/state and FOLDER/*.keytab
#
# Tests copy the folder and start a domain controller on the copy (tests/support/samba.ts). A password is the account's name
# and "pw"; the service's keys are in rcmd.keytab.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1
export LC_ALL=C LDB_MODULES_PATH=/usr/lib/$(uname -m)-linux-gnu/samba/ldb
rm -rf "$out"
mkdir -p "$out"/{run,ncalrpc,cache,lock}
conf=$out/provision.conf
cat >"$conf" <<E
[global]
    netbios name = DC1
    realm = AD.TEST
    workgroup = ADTEST
    server role = active directory domain controller
    interfaces = 127.0.0.2/8
    bind interfaces only = yes
    private dir = $out/private
    state directory = $out/state
    cache directory = $out/cache
    lock directory = $out/lock
    pid directory = $out/run
    ncalrpc dir = $out/ncalrpc
    kerberos encryption types = all
[sysvol]
    path = $out/state/sysvol
[netlogon]
    path = $out/state/sysvol/ad.test/scripts
E
samba-tool domain provision -s "$conf" --realm=AD.TEST --domain=ADTEST --server-role=dc --dns-backend=SAMBA_INTERNAL \
  --adminpass=Admin-Passw0rd --host-name=dc1 --host-ip=127.0.0.2
/usr/bin/python3 "$here/samba_accounts.py" "$conf" "$out/private/sam.ldb"
for spn in rcmd/localhost socks/localhost; do
  samba-tool domain exportkeytab "$out/rcmd.keytab" --principal="$spn" -s "$conf"
done
samba-tool domain exportkeytab "$out/aes.keytab" --principal=aes/localhost -s "$conf"
rm -rf "$out"/{run,ncalrpc,cache,lock}
