#!/bin/sh
# dpkg says remove or upgrade, rpm how many versions remain.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now popscope.service || true
	fi
	;;
esac
