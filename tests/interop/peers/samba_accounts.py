"""Creates the accounts of the test domain: samba_accounts.py SMB_CONF SAM_LDB"""
import sys

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

conf, database = sys.argv[1:]
lp = LoadParm()
lp.load(conf)
sam = SamDB(url=database, session_info=system_session(), lp=lp)
BASE = "CN=Users,DC=ad,DC=test"


def change(dn, **values):
    message = ldb.Message()
    message.dn = ldb.Dn(sam, dn)
    for name, value in values.items():
        message[name] = ldb.MessageElement([str(value)], ldb.FLAG_MOD_REPLACE, name)
    sam.modify(message)


# Any password does; three wrong ones lock an account for half a minute.
change("DC=ad,DC=test", pwdProperties=0, minPwdLength=4, minPwdAge=0, maxPwdAge=0, pwdHistoryLength=0,
       lockoutThreshold=3, lockoutDuration=-300000000, lockOutObservationWindow=-300000000)

USERS = ["aduser", "adbob", "CamelUser", "upnuser", "addisabled", "adlocked", "admustchange", "svc-rcmd", "svc-aes", "svc-s4u"]
for user in USERS:
    sam.newuser(user, user + "pw")
change("CN=addisabled," + BASE, userAccountControl=514)
change("CN=upnuser," + BASE, userPrincipalName="first.last@corp.example")
change("CN=admustchange," + BASE, pwdLastSet=0)

SERVICES = {"svc-rcmd": ["rcmd/localhost", "socks/localhost"], "svc-aes": ["aes/localhost"], "svc-s4u": ["s4u/localhost"]}
for user, names in SERVICES.items():
    message = ldb.Message()
    message.dn = ldb.Dn(sam, "CN=%s,%s" % (user, BASE))
    message["spn"] = ldb.MessageElement(names, ldb.FLAG_MOD_ADD, "servicePrincipalName")
    # AES only, and beside it for one of them RC4.
    types = "28" if user == "svc-s4u" else "24"
    message["types"] = ldb.MessageElement([types], ldb.FLAG_MOD_REPLACE, "msDS-SupportedEncryptionTypes")
    sam.modify(message)

# Global, universal and domain local groups, one of them inside another; TRUSTED_FOR_DELEGATION for the service.
sam.newgroup("Proxy Users", grouptype=-2147483646)
sam.newgroup("Everywhere", grouptype=-2147483640)
sam.newgroup("Proxy Access", grouptype=-2147483644)
sam.add_remove_group_members("Proxy Users", ["aduser"], add_members_operation=True)
sam.add_remove_group_members("Everywhere", ["Proxy Users"], add_members_operation=True)
sam.add_remove_group_members("Proxy Access", ["Proxy Users"], add_members_operation=True)
change("CN=svc-rcmd," + BASE, userAccountControl=0x80200)
