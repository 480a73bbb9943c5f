#!/bin/sh
# Called by Buildroot with the folder of images: makes the slot, the disk and the update bundle.
set -eu

here=$(dirname "$(readlink -f "$0")")
images=$1
# What its kconfig does not know or allow it drops without a word.
options=$(sed -n 's/^\(CONFIG_[^=]*\)=.*/\1/p' "$here"/../board/x86_64/linux/*.config)
for option in $options; do
    grep -q "^$option=" "${BUILD_DIR:?}"/linux-[0-9]*/.config ||
        { echo "post-image: the kernel has no $option: see buildroot/board/x86_64/linux" >&2; exit 1; }
done
# Not the tree: users, owners and presets are only in what Buildroot makes of it.
"$here/make-slot" "$images/rootfs.squashfs" "$images/bzImage" "" "$images"
"$here/make-disk" "$images" "$images/efi-part/EFI/BOOT/bootx64.efi" "$images"
"$here/sign-image" "$images/fossilsafe.img" "${FOSSILSAFE_KEYS:?}/signing.pem" "$FOSSILSAFE_KEYS/signing.key"
"$here/make-bundle" "$images" "${FOSSILSAFE_IMAGE_VERSION:?}" "$FOSSILSAFE_KEYS/signing.pem" \
    "$FOSSILSAFE_KEYS/signing.key" "$images/fossilsafe.raucb"
