/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * identity - who this unit is, and which start of it this is.
 *
 * Shape       identity/device_id (0600, in a 0700 folder): the name and a
 *             newline. state/boot (text): boot_id=, boot=, run=, and check=,
 *             the CRC-32C of the lines before it.
 *
 * Numbers     A boot_id that differs from the stored one raises boot by one;
 *             each call of hf_identity_open() raises run by one. An event's
 *             origin is made of both and must never come twice, or keeper
 *             takes a new event for one it has: numbers that cannot be stored
 *             or read are never guessed low. A damaged file: the highest
 *             legible number and 1000 more. A lost file, or one that cannot be
 *             written: drawn by chance far above all that is counted.
 *
 * Durability  Both files are replaced whole and flushed before the function
 *             returns; what could not be is told as a warning.
 *
 * Owners      The supervisor, which holds the lock of boot/data.h.
 *
 * Errors      HF_E_NOENT, HF_E_INVALID: the kernel does not tell its boot id.
 *             HF_E_NOMEM. Everything about the unit's own files is a warning:
 *             a unit with a damaged file still has to watch.
 */
#include "base/random.h"
#include "shape/event.h"

enum hf_identity_source {
	HF_IDENTITY_CONFIG, /* device.id */
	HF_IDENTITY_KEPT,
	HF_IDENTITY_SERIAL,
	HF_IDENTITY_DRAWN,
};

enum {
	HF_IDENTITY_WARNINGS_MAX = 4,
};

struct hf_identity_options {
	const char *data_path;
	const char *config_id; /* "" when the configuration names none */
	const char *root;      /* "": where /proc and /sys are */
	const struct hf_random *random;
};

struct hf_identity {
	char device_id[HF_ID_BYTES];
	enum hf_identity_source source;
	char hardware[HF_ID_BYTES]; /* the serial number of this machine; empty: none that is sane.
				     * keeper compares it with the one of before: a card that was
				     * cloned, or moved, must not go on under the same epoch. */
	char boot_id[HF_BOOT_ID_BYTES];
	uint64_t boot;
	uint64_t run;
	unsigned warning_count;
	char warnings[HF_IDENTITY_WARNINGS_MAX][HF_ERR_TEXT_BYTES_MAX]; /* for the log */
};

enum hf_code hf_identity_open(const struct hf_identity_options *options,
			      struct hf_identity *ret_identity, struct hf_err *err) HF_MUST_CHECK;

/* The boot we are in, as the kernel names it; root as in the options. For what has to be opened
 * before the identity is (recover/slots.h). */
enum hf_code hf_boot_id_read(const char *root, char ret_boot_id[HF_BOOT_ID_BYTES],
			     struct hf_err *err) HF_MUST_CHECK;

/* Is this a serial number that tells one board from another? Makers leave place-holders. */
bool hf_identity_serial_sane(const char *serial);
