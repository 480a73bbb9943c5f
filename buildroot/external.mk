include $(sort $(wildcard $(BR2_EXTERNAL_FOSSILSAFE_PATH)/package/*/*.mk))
