################################################################################
#
# fossilsafe
#
################################################################################

# Made by scripts/build-static outside of Buildroot: static, so it needs nothing
# of the target's toolchain.
FOSSILSAFE_VERSION = local
FOSSILSAFE_BINARY ?= \
	$(BR2_EXTERNAL_FOSSILSAFE_PATH)/../target/x86_64-unknown-linux-musl/release/fossilsafe
FOSSILSAFE_SITE = $(patsubst %/,%,$(dir $(FOSSILSAFE_BINARY)))
FOSSILSAFE_SITE_METHOD = local
FOSSILSAFE_LICENSE = Apache-2.0
FOSSILSAFE_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --include=/fossilsafe --exclude=*

define FOSSILSAFE_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/fossilsafe $(TARGET_DIR)/usr/bin/fossilsafe
endef

# As in rootfs/usr/lib/sysusers.d/fossilsafe.conf.
define FOSSILSAFE_USERS
	- - fossilsafe 790 - - - - -
	- - fossilsafe-tape 791 - - - - -
	fossilsafe-engine 792 fossilsafe-engine 792 * - - - FossilSafe engine
	fossilsafe-gateway 793 fossilsafe-gateway 793 * - - - FossilSafe gateway
endef

$(eval $(generic-package))
