#!/bin/sh
# Called by Buildroot with the root tree: lays what is ours over it.
set -eu

here=$(dirname "$(readlink -f "$0")")
"$here/install-rootfs" "$1" "$1/usr/bin/fossilsafe" "${FOSSILSAFE_KEYS:?}/keyring.pem" "${FOSSILSAFE_IMAGE_VERSION:?}"
