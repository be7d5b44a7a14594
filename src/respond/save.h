/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * save - what a restarted respond must know, as bytes that the supervisor keeps for it.
 *
 * Shape       Little-endian: magic, version, size, CRC-32C of what follows;
 *             when it was made; counters; cool-downs; open stays; offers that
 *             are not acknowledged, at their true length. Zones are named by a
 *             CRC of camera and zone id, not by index: the configuration may
 *             have changed in between. Classes are named by name: the model pack
 *             may have changed, too. What a stay has spoken of is in it, the
 *             moment at which it was about to speak is not: it comes again.
 *
 * Numbers     Restored stays have no owner: they wait keep_ms of seen time for
 *             a track to inherit them, with all they have fired. What passed
 *             since the save is blind time. Cool-downs go on by the clock if
 *             the boot is the same, else with what was left of them.
 *
 * Errors      hf_save_decode(): HF_E_CORRUPT for bytes that do not verify or
 *             make no sense; the parts are then reset, as if there had been
 *             nothing. It never believes a length.
 *
 * Limits      At most size_bytes_max bytes. If all does not fit, the colours of
 *             the stays are left out, then the youngest offers: ret_offers says
 *             how many from the front are in it.
 */
#include "base/clock.h"
#include "respond/offers.h"
#include "respond/rules.h"
#include "respond/stay.h"

struct hf_save_parts {
	uint64_t boot, run;
	uint64_t origin_next; /* n of the next event */
	struct hf_stays *stays;
	struct hf_rules *rules;
	struct hf_offers *offers;
};

/* ret_digest: equal when nothing but the time has changed since another save. */
enum hf_code hf_save_encode(const struct hf_save_parts *parts, const struct hf_config *config,
			    struct hf_mono now, uint8_t *data, size_t size_bytes_max,
			    size_t *ret_size_bytes, size_t *ret_offers, uint32_t *ret_digest,
			    struct hf_err *err) HF_MUST_CHECK;

/* parts->boot and run say which ones these are now; on HF_OK counters of the same run go on,
 * those of another are left as they are. ret_forgotten: stays and cool-downs of zones that are
 * not in the configuration any more. */
enum hf_code hf_save_decode(const uint8_t *data, size_t size_bytes, const struct hf_config *config,
			    struct hf_mono now, struct hf_save_parts *parts,
			    uint32_t *ret_forgotten, struct hf_err *err) HF_MUST_CHECK;
