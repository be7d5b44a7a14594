/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/zone.h"

#include "shape/polygon.h"

/* An outline along the edge of the picture does not hold the edge itself. */
static const double edge = 1e-9;

bool hf_zone_holds(const struct hf_config_zone *zone, struct hf_box box, uint32_t tile_width,
		   uint32_t tile_height, bool was_inside)
{
	struct hf_foot foot = hf_box_foot(box);
	struct hf_point at = { .x = fmin(1 - edge, fmax(edge, foot.x / tile_width)),
			       .y = fmin(1 - edge, fmax(edge, foot.y / tile_height)) };

	if (hf_polygon_contains(zone->points, zone->point_count, at))
		return true;
	return was_inside && hf_polygon_edge_distance(zone->points, zone->point_count, at,
						      tile_width, tile_height) <= HF_ZONE_EDGE_PX;
}
