/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's /sys is a folder of plain files here. */
#include "proc/supervisor/usb.h"

#include "base/auto.h"
#include "base/file.h"
#include "test.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct hf_err err;
static char root[64];

static const char *at(const char *path)
{
	static char whole[256];

	(void)snprintf(whole, sizeof whole, "%s/%s", root, path);
	return whole;
}

static void put_file(const char *path, const char *text)
{
	HF_AUTO_FCLOSE FILE *file = fopen(at(path), "we");

	assert_non_null(file);
	(void)fputs(text, file);
}

static void check_file(const char *path, const char *text)
{
	HF_AUTO_FREE char *data = NULL;
	size_t size;

	CHECK_OK(hf_file_read(at(path), 100, &data, &size, &err));
	CHECK_TEXT(data, text);
}

/* 81:0 is a grabber on a hub (1-2) at port 4, 81:1 a card on PCI. */
static void make_sys(void)
{
	static const char *const folders[] = {
		"sys/dev/char",
		"sys/devices/pci0/usb1/1-2/1-2.4/1-2.4:1.0/video4linux/video0",
		"sys/devices/pci0/0000:01/video4linux/video1",
	};
	static const char *const usb[] = { "sys/devices/pci0/usb1", "sys/devices/pci0/usb1/1-2",
					   "sys/devices/pci0/usb1/1-2/1-2.4" };
	char path[128];

	(void)snprintf(root, sizeof root, "/tmp/holdfast-usb-XXXXXX");
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < HF_ARRAY_LEN(folders); i++)
		CHECK_OK(hf_folder_make(at(folders[i]), 0700, &err));
	for (size_t i = 0; i < HF_ARRAY_LEN(usb); i++) {
		(void)snprintf(path, sizeof path, "%s/idVendor", usb[i]);
		put_file(path, "534d\n");
		(void)snprintf(path, sizeof path, "%s/authorized", usb[i]);
		put_file(path, "1");
	}
	/* Interfaces have a switch, too, but it does not reset the device. */
	put_file("sys/devices/pci0/usb1/1-2/1-2.4/1-2.4:1.0/authorized", "1");
	(void)!symlink("../../devices/pci0/usb1/1-2/1-2.4/1-2.4:1.0/video4linux/video0",
		       at("sys/dev/char/81:0"));
	(void)!symlink("../../devices/pci0/0000:01/video4linux/video1", at("sys/dev/char/81:1"));
}

static void remove_sys(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -r '%s'", root);
	CHECK_I64(system(command), ==, 0);
}

TEST(the_switch_is_the_nearest_usb_devices_not_its_interfaces_or_hubs)
{
	char found[USB_PATH_BYTES];

	make_sys();
	CHECK_OK(usb_find(root, makedev(81, 0), found, &err));
	CHECK_TEXT(found, at("sys/devices/pci0/usb1/1-2/1-2.4/authorized"));
	remove_sys();
}

TEST(a_card_that_is_not_on_usb_and_a_device_that_is_gone_say_so)
{
	char found[USB_PATH_BYTES];

	make_sys();
	CHECK_CODE(usb_find(root, makedev(81, 1), found, &err), HF_E_INVALID);
	assert_non_null(strstr(err.text, "not on USB"));
	CHECK_CODE(usb_find(root, makedev(81, 2), found, &err), HF_E_NOENT);
	remove_sys();
}

TEST(without_the_right_the_udev_rule_is_named)
{
	char found[USB_PATH_BYTES];

	if (geteuid() == 0)
		skip(); /* root may write everywhere */
	make_sys();
	CHECK_I64(chmod(at("sys/devices/pci0/usb1/1-2/1-2.4/authorized"), 0400), ==, 0);
	CHECK_CODE(usb_find(root, makedev(81, 0), found, &err), HF_E_DENIED);
	assert_non_null(strstr(err.text, "udev rule"));
	remove_sys();
}

TEST(a_cycle_leaves_the_device_on_and_nothing_in_hand)
{
	char hand[256], found[USB_PATH_BYTES];

	make_sys();
	(void)snprintf(hand, sizeof hand, "%s", at("hand"));
	CHECK_OK(usb_find(root, makedev(81, 0), found, &err));
	put_file("sys/devices/pci0/usb1/1-2/1-2.4/authorized", "0");
	CHECK_OK(usb_cycle(found, hand, 0, &err));
	check_file("sys/devices/pci0/usb1/1-2/1-2.4/authorized", "1");
	CHECK(access(hand, F_OK) != 0);
	remove_sys();
}

TEST(nothing_is_switched_off_that_could_be_forgotten)
{
	char hand[256], found[USB_PATH_BYTES];

	make_sys();
	(void)snprintf(hand, sizeof hand, "%s", at("no-such-folder/hand"));
	CHECK_OK(usb_find(root, makedev(81, 0), found, &err));
	put_file("sys/devices/pci0/usb1/1-2/1-2.4/authorized", "untouched");
	CHECK_CODE(usb_cycle(found, hand, 0, &err), HF_E_NOENT);
	check_file("sys/devices/pci0/usb1/1-2/1-2.4/authorized", "untouched");
	remove_sys();
}

TEST(what_a_dead_run_left_off_is_switched_on)
{
	char found[USB_PATH_BYTES], hand[256];

	make_sys();
	(void)snprintf(hand, sizeof hand, "%s", at("hand"));
	CHECK_OK(usb_finish(hand, &err));
	CHECK_OK(usb_find(root, makedev(81, 0), found, &err));
	put_file("hand", found);
	put_file("sys/devices/pci0/usb1/1-2/1-2.4/authorized", "0");
	CHECK_OK(usb_finish(hand, &err));
	check_file("sys/devices/pci0/usb1/1-2/1-2.4/authorized", "1");
	CHECK(access(hand, F_OK) != 0);
	remove_sys();
}

TEST(a_note_of_something_else_is_removed_and_not_followed)
{
	char hand[256], other[256];

	make_sys();
	(void)snprintf(hand, sizeof hand, "%s", at("hand"));
	(void)snprintf(other, sizeof other, "%s", at("sys/devices/pci0/usb1/idVendor"));
	put_file("hand", other);
	CHECK_CODE(usb_finish(hand, &err), HF_E_CORRUPT);
	check_file("sys/devices/pci0/usb1/idVendor", "534d\n");
	CHECK(access(hand, F_OK) != 0);
	/* Unplugged meanwhile: there is nothing left to do. */
	(void)snprintf(other, sizeof other, "%s", at("sys/devices/pci0/usb1/1-9/authorized"));
	put_file("hand", other);
	CHECK_OK(usb_finish(hand, &err));
	CHECK(access(hand, F_OK) != 0);
	remove_sys();
}

TESTS(RUN(the_switch_is_the_nearest_usb_devices_not_its_interfaces_or_hubs),
      RUN(a_card_that_is_not_on_usb_and_a_device_that_is_gone_say_so),
      RUN(without_the_right_the_udev_rule_is_named),
      RUN(a_cycle_leaves_the_device_on_and_nothing_in_hand),
      RUN(nothing_is_switched_off_that_could_be_forgotten),
      RUN(what_a_dead_run_left_off_is_switched_on),
      RUN(a_note_of_something_else_is_removed_and_not_followed))
