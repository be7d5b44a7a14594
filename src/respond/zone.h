/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * zone - does somebody stand in it?
 *
 * Numbers     The foot of the box is asked about, drawn into the picture where
 *             it lies below or beside it (somebody cut off by the edge still
 *             stands somewhere). Who was inside leaves only when the foot is
 *             HF_ZONE_EDGE_PX pixels of the tile outside: a detector's boxes
 *             tremble by about as much.
 */
#include "respond/box.h"
#include "shape/config.h"

enum {
	HF_ZONE_EDGE_PX = 4,
};

bool hf_zone_holds(const struct hf_config_zone *zone, struct hf_box box, uint32_t tile_width,
		   uint32_t tile_height, bool was_inside);
