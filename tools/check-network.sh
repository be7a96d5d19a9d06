#!/bin/sh
# Fail when one of our objects imports a function of the network, or makes calls by
# number, behind which any function could hide. Three objects do so on purpose:
# probe.o tries what is forbidden to see it fail, sandbox.o and landlock.o issue calls
# that have no function in glibc.
# Usage: tools/check-network.sh OBJECT...
names='socket|socketpair|connect|bind|listen|accept|accept4|shutdown|send|sendto|sendmsg|sendmmsg'
names="$names|recv|recvfrom|recvmsg|recvmmsg|getsockopt|setsockopt|getaddrinfo|getnameinfo"
names="$names|gethostby[a-z0-9_]*|res_[a-z]+|__res_[a-z]+|if_[a-z]+|getifaddrs|rcmd|rexec"
by_number='(probe|sandbox|landlock)\.o:'
[ $# -gt 0 ] || { echo "network: no object was named" >&2; exit 1; }
imports=$(nm -A -u "$@") || exit 1
found=$(echo "$imports" | grep -E "[ ]U ($names)(@|\$)"
    echo "$imports" | grep -E '[ ]U syscall(@|$)' | grep -vE "$by_number")
[ -z "$found" ] && exit 0
echo "network: imported by objects of ours:" >&2
echo "$found" >&2
exit 1
