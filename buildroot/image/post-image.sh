#!/bin/sh
# Called by Buildroot with the folder of images: makes the slot, the disk and the update bundle.
set -eu

here=$(dirname "$(readlink -f "$0")")
images=$1
"$here/make-slot" "${TARGET_DIR:?}" "$images/bzImage" "" "$images"
"$here/make-disk" "$images" "$images/efi-part/EFI/BOOT/bootx64.efi" "$images"
"$here/make-bundle" "$images" "${FOSSILSAFE_IMAGE_VERSION:?}" "${FOSSILSAFE_KEYS:?}/signing.pem" \
    "$FOSSILSAFE_KEYS/signing.key" "$images/fossilsafe.raucb"
