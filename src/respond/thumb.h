/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * thumb - the picture that goes with an event.
 *
 * Shape       The best crop so far of each of the last HF_THUMB_SLOTS tracks is
 *             kept in memory: the box with 30 % margin, widened to 4:3 and moved
 *             to lie within the tile, nothing drawn on it, at most
 *             HF_THUMB_SIDE_MAX pixels a side. Written as
 *             FOLDER/<sha256 of the JPEG>.jpg. Better means more certain and
 *             larger; one cut off by the edge counts less.
 *
 * Durability  hf_thumbs_write() returns HF_OK when file and name survive a
 *             power cut: written beside, fsynced, renamed, folder fsynced. The
 *             event that names it is offered after that.
 *
 * Errors      Any error costs the picture and never the event: NOENT when no
 *             crop of this track is there (its slots were overwritten before
 *             they could be read), NOSPACE, DENIED, IO as the disk says. The
 *             text goes into the event. A missing folder is made.
 *
 * Limits      About 9 MB, allocated at the start.
 */
#include "base/err.h"
#include "respond/box.h"
#include "shape/limits.h"

#include <stdint.h>

enum {
	HF_THUMB_SLOTS = 48,
	HF_THUMB_SIDE_MAX = 256,
	HF_THUMB_PATH_BYTES = HF_PATH_BYTES + 80,
};

struct hf_thumbs;

enum hf_code hf_thumbs_new(struct hf_thumbs **ret_thumbs, struct hf_err *err) HF_MUST_CHECK;
void hf_thumbs_free(struct hf_thumbs *thumbs); /* NULL is fine */

/* A track was found here. pixels: the whole tile, BGR, rows packed. */
void hf_thumbs_see(struct hf_thumbs *thumbs, uint32_t camera, uint64_t track, const uint8_t *pixels,
		   uint32_t width, uint32_t height, struct hf_box box, double score);

/* The best crop of this track as a file. May block for as long as the disk does. */
enum hf_code hf_thumbs_write(struct hf_thumbs *thumbs, uint32_t camera, uint64_t track,
			     const char *folder, char ret_path[HF_THUMB_PATH_BYTES],
			     struct hf_err *err) HF_MUST_CHECK;
