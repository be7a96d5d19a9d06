#!/bin/sh
# Fail when one of our objects imports a function of the network. The one that tries
# such calls to see them fail issues them by number, so it needs no exception here.
# Usage: tools/check-network.sh OBJECT...
names='socket|socketpair|connect|bind|listen|accept|accept4|shutdown|send|sendto|sendmsg|sendmmsg'
names="$names|recv|recvfrom|recvmsg|recvmmsg|getaddrinfo|getnameinfo|gethostby[a-z0-9_]*|res_[a-z]+|__res_[a-z]+"
[ $# -gt 0 ] || { echo "network: no object was named" >&2; exit 1; }
found=$(nm -A -u "$@" | grep -E "[ ]U ($names)(@|\$)")
[ -z "$found" ] && exit 0
echo "network: imported by objects of ours:" >&2
echo "$found" >&2
exit 1
