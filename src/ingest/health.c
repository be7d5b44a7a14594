/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a sample is taken in four passes over the tiles. Measure each one; find out whether
 * the screen's encoder took breath; see which tiles are alive; then judge, as a tile is judged
 * by its neighbours. The judgement of the moment goes into a timer for each kind of fault, and
 * only those make events.
 *
 * Tried and failed: the mean difference of the whole tile as its noise. A floor that was learned
 * while people walked about collapses when they leave, and a good picture was "frozen". Nor is
 * it enough to see the median collapse: a camera that leaves out what does not change, and was
 * noisy before, shows a key frame every few seconds. So stillness is a property of all blocks
 * over a time, and key frames end it unless the whole screen has them.
 */
#include "ingest/health.h"

#include "base/assert.h"
#include "ingest/proof.h"

#include <stdlib.h>
#include <string.h>

enum {
	SAMPLE_SLACK_MS = 20,
	STEP_MS_MAX = 2000, /* a longer pause counts as this much: nobody knows what was in it */
	BREAK_MS = 5000,    /* after a longer one pictures are not compared */
	YOUNG_MS = 2000,    /* after a break, to know soon which tiles live */
	YOUNG_SAMPLE_MS = 200,
	PLAIN_MS_MAX = 2000, /* a stream with nothing but key frames must be judged by them */
	SLOT_MS = 2000,      /* a floor is learned from the least change in each of these */
	SLOTS = 15,
	SLOTS_MIN = 3,
	SLOTS_OF_STILLNESS_MAX = 2,
	STILL_SHORT_MS = 20000,
	STILL_BLOCKS_MAX = HF_MEASURE_BLOCKS / 12, /* a clock in the picture is no sign of life */
	BAND_STEP = 2,                             /* every n-th pixel of every n-th row */
	BAND_CHANGE = 40,
	BAND_PIXELS_MIN = 4,
	TAMPER_EVERY_MS = 1000,
	UNSETTLED_MS = 4000,
	UNSETTLED_BLOCKS_MIN = HF_MEASURE_BLOCKS / 5,
	DARK_LEVEL = 48,
	MODES = 2, /* colour, grey */
};

#define DAY_MS INT64_C(86400000)

static const double floor_clear = 0.15;     /* levels: below it, absence of noise proves nothing */
static const double alive_share = 0.2;      /* of the floor */
static const double alive_least = 0.06;     /* levels: less is rounding */
static const double breath_gain = 1.12;     /* over the tile's mean: key frames do 1.2 and more */
static const double breath_share = 0.75;    /* of the tiles with a floor */
static const double flat_share_min = 0.7;   /* the rest may be writing */
static const double flat_share_blue = 0.97; /* without any */
static const double quiet_share_min = 0.95; /* but for a clock */
static const double blue_u_min = 20, blue_v_max = 4;
static const double dark_share_min = 0.98;
static const double black_structure_max = 2;
static const double unsettled_levels = 3; /* of change, over the noise, in a block */
static const double correlation_min = 0.4;
static const double correlation_typical = 0.7; /* of a scene that can be judged at all */
static const double spread_lost = 0.2;         /* of the edges there were */
static const double one_colour_max = 0.75, one_colour_usual = 0.6;
static const double grey_saturation = 4;
static const double follow_share = 1.0 / 600; /* a second */

struct timer {
	bool present;                 /* for some time, interruptions aside */
	bool raised, told, reminding; /* told: an event said that it was raised */
	int64_t since_ms, seen_ms;    /* of the fault; seen: the last time */
	int64_t remind_ms;
	struct hf_health_event event; /* of its last change */
};

struct reference {
	float *edges;
	unsigned learned_s;
	double typical; /* correlation with itself over time */
	double spread;
	double one_colour;
};

struct tile {
	uint16_t *before; /* levels; NULL: cannot be measured */
	uint8_t *band;    /* pixels of the top band */
	enum hf_layout layout;
	struct hf_rect rect;
	uint32_t columns, rows;
	bool has_before, measured;
	uint32_t bottom_of_band;
	struct hf_measure now;

	float slots[SLOTS];
	unsigned slot_count, slot_next;
	double slot_least;
	int64_t slot_from_ms;
	double floor; /* 0: none */
	double mean;  /* of noise, for breath */

	int64_t alive_ms[HF_MEASURE_BLOCKS];
	unsigned alive_blocks; /* within the window, or since the tile was alive last */
	int64_t opened_ms;
	int64_t moved_ms; /* last time more than a few blocks were */
	int64_t quiet_ms; /* how long before that they were not */
	int64_t band_ms;  /* last time the band changed; -1: never */
	bool judged_by_others, ever_alive, still;

	struct reference references[MODES];
	int mode;
	int64_t settled_ms, compared_ms, strange_since_ms; /* -1: not strange */
	double correlation;

	enum hf_health_fault fault; /* of the moment; HF_HEALTH_FAULTS: none */
	uint32_t others;
	struct timer timers[HF_HEALTH_FAULTS];
};

struct hf_health {
	struct hf_health_options options;
	bool started;
	struct hf_mono sampled_at;
	int64_t clock_ms; /* of samples: time that was watched */
	bool renewed, breath;
	int64_t plain_ms; /* last sample without a key frame */
	int64_t young_ms; /* until then */
	struct hf_proof proof;
	uint32_t blind_mask;
	struct tile tiles[HF_TILES_MAX];
};

const char *hf_health_fault_name(enum hf_health_fault fault)
{
	static const char *const names[HF_HEALTH_FAULTS] = {
		[HF_HEALTH_NO_SIGNAL] = "no_signal",
		[HF_HEALTH_BLACK] = "black",
		[HF_HEALTH_FROZEN] = "frozen",
		[HF_HEALTH_TAMPERED] = "tampered",
	};

	HF_ASSERT(fault < HF_HEALTH_FAULTS);
	return names[fault];
}

/* --- what is kept ------------------------------------------------------------------------- */

enum hf_code hf_health_open(const struct hf_health_options *options, struct hf_health **ret_health,
			    struct hf_err *err)
{
	struct hf_health *health = calloc(1, sizeof *health);

	if (health == NULL)
		return hf_fail(err, HF_E_NOMEM, "health: out of memory");
	health->options = *options;
	*ret_health = health;
	return HF_OK;
}

static void forget_picture(struct tile *tile)
{
	free(tile->before);
	free(tile->band);
	for (int i = 0; i < MODES; i++)
		free(tile->references[i].edges);
}

void hf_health_close(struct hf_health *health)
{
	if (health == NULL)
		return;
	for (int i = 0; i < HF_TILES_MAX; i++)
		forget_picture(&health->tiles[i]);
	free(health);
}

static size_t band_bytes(const struct tile *tile)
{
	return (size_t)((tile->rect.width + BAND_STEP - 1) / BAND_STEP) *
	       ((tile->bottom_of_band - tile->rect.y + BAND_STEP - 1) / BAND_STEP);
}

static bool is_same_place(const struct tile *tile, enum hf_layout layout, struct hf_rect rect)
{
	return tile->layout == layout && tile->rect.x == rect.x && tile->rect.y == rect.y &&
	       tile->rect.width == rect.width && tile->rect.height == rect.height;
}

enum hf_code hf_health_fit(struct hf_health *health, uint32_t tile_number, enum hf_layout layout,
			   struct hf_rect rect, const struct hf_motion *motion, struct hf_err *err)
{
	HF_ASSERT(tile_number < HF_TILES_MAX);
	struct tile *tile = &health->tiles[tile_number];
	const struct hf_motion_cells cells = hf_motion_cells(motion);

	if (is_same_place(tile, layout, rect))
		return HF_OK;
	struct tile fresh = { .layout = layout,
			      .rect = rect,
			      .columns = cells.columns,
			      .rows = cells.rows,
			      .bottom_of_band = cells.area.y,
			      .slot_from_ms = -1,
			      .opened_ms = health->clock_ms,
			      .moved_ms = health->clock_ms,
			      .band_ms = -1,
			      .strange_since_ms = -1,
			      .settled_ms = health->clock_ms + UNSETTLED_MS,
			      .correlation = 1,
			      .fault = HF_HEALTH_FAULTS };

	memcpy(fresh.timers, tile->timers, sizeof fresh.timers);
	for (int i = 0; i < HF_MEASURE_BLOCKS; i++)
		fresh.alive_ms[i] = health->clock_ms - HF_HEALTH_WINDOW_MS;
	if (hf_measure_fits(cells.columns, cells.rows)) {
		bool whole = true;

		fresh.before = calloc((size_t)cells.columns * cells.rows, sizeof *fresh.before);
		fresh.band = calloc(band_bytes(&fresh) + 1, 1);
		for (int i = 0; i < MODES; i++) {
			fresh.references[i].edges =
				calloc(hf_edges_places(cells.columns, cells.rows) + 1,
				       sizeof *fresh.references[i].edges);
			whole = whole && fresh.references[i].edges != NULL;
		}
		if (!whole || fresh.before == NULL || fresh.band == NULL) {
			forget_picture(&fresh);
			return hf_fail(err, HF_E_NOMEM, "health: out of memory");
		}
	}
	forget_picture(tile);
	*tile = fresh;
	hf_proof_begin(&health->proof, 1U << tile_number);
	return HF_OK;
}

void hf_health_break(struct hf_health *health)
{
	for (int i = 0; i < HF_TILES_MAX; i++) {
		health->tiles[i].has_before = health->tiles[i].measured = false;
		health->tiles[i].slot_from_ms = -1;
		health->tiles[i].settled_ms = health->clock_ms + UNSETTLED_MS;
	}
	health->started = false;
	health->young_ms = health->clock_ms + YOUNG_MS;
	hf_proof_break(&health->proof);
}

/* --- measuring ---------------------------------------------------------------------------- */

/* Pixels of the band that turned from ground to ink or back. Keeps the band. */
static unsigned band_changes(struct tile *tile, const struct hf_frame *frame)
{
	unsigned changes = 0;
	uint8_t *kept = tile->band;

	for (uint32_t y = tile->rect.y; y < tile->bottom_of_band; y += BAND_STEP) {
		const uint8_t *row = frame->planes[0] + (ptrdiff_t)y * frame->strides[0];

		for (uint32_t x = tile->rect.x; x < tile->rect.x + tile->rect.width;
		     x += BAND_STEP) {
			changes += abs(row[x] - *kept) > BAND_CHANGE;
			*kept++ = row[x];
		}
	}
	return changes;
}

static void measure(struct hf_health *health, struct tile *tile, const struct hf_frame *frame,
		    const struct hf_health_input *input)
{
	const struct hf_motion_cells cells = hf_motion_cells(input->motion);

	HF_ASSERT(cells.columns == tile->columns && cells.rows == tile->rows);
	hf_measure_take(frame, &cells, tile->has_before ? tile->before : NULL, &tile->now);
	memcpy(tile->before, cells.levels,
	       (size_t)cells.columns * cells.rows * sizeof *tile->before);
	if (band_changes(tile, frame) >= BAND_PIXELS_MIN && tile->has_before)
		tile->band_ms = health->clock_ms;
	tile->measured = tile->has_before;
	tile->has_before = true;
}

/* Does the tile take part in what is found out about the screen as a whole? */
static bool has_floor(const struct tile *tile)
{
	return tile->measured && tile->floor > 0 && !tile->still &&
	       tile->fault != HF_HEALTH_NO_SIGNAL && tile->fault != HF_HEALTH_BLACK;
}

/* The decoder knows of the key frames of its stream, not of those that a clip's picture had
 * before: those are found by what they do. */
static bool takes_breath(struct hf_health *health)
{
	const bool renewed = health->renewed;
	unsigned tiles = 0, more = 0;

	health->renewed = false;
	if (!renewed)
		health->plain_ms = health->clock_ms;
	else if (health->clock_ms - health->plain_ms < PLAIN_MS_MAX)
		return true;
	for (int i = 0; i < HF_TILES_MAX; i++)
		if (has_floor(&health->tiles[i])) {
			const struct tile *tile = &health->tiles[i];

			tiles++;
			more += tile->now.noise > breath_gain * tile->mean;
		}
	return tiles >= 2 && more >= breath_share * tiles;
}

static int ascending(const void *a, const void *b)
{
	const float left = *(const float *)a, right = *(const float *)b;

	return (left > right) - (left < right);
}

static void add_slot(struct tile *tile, double least)
{
	float sorted[SLOTS];

	tile->slots[tile->slot_next] = (float)least;
	tile->slot_next = (tile->slot_next + 1) % SLOTS;
	if (tile->slot_count < SLOTS)
		tile->slot_count++;
	memcpy(sorted, tile->slots, sizeof sorted);
	qsort(sorted, tile->slot_count, sizeof sorted[0], ascending);
	const double quantile = (double)sorted[tile->slot_count * 2 / 5];

	tile->floor = tile->slot_count >= SLOTS_MIN && quantile >= floor_clear ? quantile : 0;
}

static void learn_floor(struct hf_health *health, struct tile *tile)
{
	const double noise = tile->now.noise;

	if (health->breath)
		return;
	if (tile->still || tile->fault == HF_HEALTH_NO_SIGNAL || tile->fault == HF_HEALTH_BLACK) {
		tile->slot_from_ms = -1;
		return;
	}
	/* Movement of most of the picture must not make the next breath look shallow. */
	const double limit = 2 * tile->mean;
	tile->mean = tile->mean > 0
			     ? tile->mean + ((noise < limit ? noise : limit) - tile->mean) / 16
			     : noise;
	if (tile->slot_from_ms < 0) {
		tile->slot_from_ms = health->clock_ms;
		tile->slot_least = noise;
		return;
	}
	tile->slot_least = noise < tile->slot_least ? noise : tile->slot_least;
	if (health->clock_ms - tile->slot_from_ms < SLOT_MS)
		return;
	add_slot(tile, tile->slot_least);
	tile->slot_from_ms = health->clock_ms;
	tile->slot_least = noise;
}

/* --- frozen ------------------------------------------------------------------------------- */

/* What the others' noise is like, the lower ones; 0: there are too few who have any. */
static double floor_of_others(const struct hf_health *health, const struct tile *self)
{
	float floors[HF_TILES_MAX];
	unsigned clear = 0, others = 0;

	for (int i = 0; i < HF_TILES_MAX; i++) {
		const struct tile *tile = &health->tiles[i];

		if (tile == self || !tile->measured || tile->fault == HF_HEALTH_NO_SIGNAL ||
		    tile->fault == HF_HEALTH_BLACK)
			continue;
		others++;
		if (has_floor(tile))
			floors[clear++] = (float)tile->floor;
	}
	if (clear < 2 || clear * 2 < others)
		return 0;
	qsort(floors, clear, sizeof floors[0], ascending);
	return (double)floors[clear / 4];
}

/* By whose floor is a tile judged? 0: by none. */
static double floor_for(const struct hf_health *health, struct tile *tile)
{
	const double others =
		tile->floor > 0 || tile->ever_alive ? 0 : floor_of_others(health, tile);

	tile->judged_by_others = others > 0;
	return tile->floor > 0 ? tile->floor : others;
}

static void see_life(struct hf_health *health, struct tile *tile)
{
	const bool was_judged = tile->floor > 0 || tile->judged_by_others;
	const double floor = floor_for(health, tile);
	const double level = floor * alive_share > alive_least ? floor * alive_share : alive_least;

	/* Before the others' floor is known nobody can say whether a change was more than
	 * rounding, or a key frame. */
	for (int i = 0; i < HF_MEASURE_BLOCKS && tile->judged_by_others && !was_judged; i++)
		tile->alive_ms[i] = tile->moved_ms - HF_HEALTH_WINDOW_MS;
	tile->alive_blocks = 0;
	for (int i = 0; i < HF_MEASURE_BLOCKS; i++) {
		if (!health->breath && (double)tile->now.difference[i] > level)
			tile->alive_ms[i] = health->clock_ms;
		/* Somebody far off changes few blocks at a time, but others every time. */
		tile->alive_blocks += health->clock_ms - tile->alive_ms[i] < HF_HEALTH_WINDOW_MS ||
				      tile->alive_ms[i] > tile->moved_ms;
	}
	if (tile->alive_blocks <= STILL_BLOCKS_MAX)
		return;
	tile->quiet_ms = health->clock_ms - tile->moved_ms;
	tile->moved_ms = health->clock_ms;
	tile->ever_alive = tile->ever_alive || tile->judged_by_others;
}

static bool band_runs(const struct hf_health *health, const struct tile *tile)
{
	return tile->band_ms >= 0 && health->clock_ms - tile->band_ms < HF_HEALTH_WINDOW_MS;
}

/* How many tiles show that the screen goes on. */
static uint32_t count_others(const struct hf_health *health, const struct tile *self)
{
	uint32_t tiles = 0, others = 0;

	for (int i = 0; i < HF_TILES_MAX; i++) {
		const struct tile *tile = &health->tiles[i];

		if (!tile->measured)
			continue;
		tiles++;
		others += band_runs(health, tile) ||
			  (tile != self && tile->alive_blocks > STILL_BLOCKS_MAX);
	}
	return tiles > 1 ? others : 0;
}

static void find_unproven(struct hf_health *health)
{
	struct hf_proof_sample sample = { .now_ms = health->clock_ms, .breath = health->breath };
	uint32_t alive = 0;

	for (uint32_t i = 0; i < HF_TILES_MAX; i++) {
		const struct tile *tile = &health->tiles[i];

		if (!tile->measured)
			continue;
		sample.tiles[i] = &tile->now;
		sample.floors[i] = tile->floor;
		if (tile->fault == HF_HEALTH_NO_SIGNAL || tile->fault == HF_HEALTH_BLACK)
			sample.dead |= 1U << i;
		alive |= tile->ever_alive ? 1U << i : 0;
	}
	hf_proof_step(&health->proof, &sample);
	/* A clean picture that has lived cannot show it again at once: it is believed. */
	hf_proof_accept(&health->proof, alive);
}

static void judge_stillness(struct hf_health *health, struct tile *tile, int64_t step_ms)
{
	const bool was_still = tile->still;
	const bool provable = tile->floor > 0 || tile->judged_by_others;

	tile->others = count_others(health, tile);
	tile->still = provable && tile->alive_blocks <= STILL_BLOCKS_MAX && tile->others > 0;
	if (provable && tile->alive_blocks <= STILL_BLOCKS_MAX && tile->others == 0)
		tile->moved_ms += step_ms; /* the screen stands: that is not this tile's doing */
	if (!was_still || tile->still || tile->alive_blocks <= STILL_BLOCKS_MAX)
		return;
	/* It was a good picture all the time, then, and this is what its noise is like. */
	for (int i = 0; i < SLOTS_OF_STILLNESS_MAX && tile->quiet_ms < STILL_SHORT_MS; i++)
		add_slot(tile, 0);
}

/* --- tampered ----------------------------------------------------------------------------- */

static bool is_settled(struct hf_health *health, struct tile *tile,
		       const struct hf_health_input *input)
{
	const int mode = tile->now.saturation < grey_saturation;
	const double still = unsettled_levels + 2 * tile->floor;
	unsigned moving = 0;

	for (int i = 0; i < HF_MEASURE_BLOCKS; i++)
		moving += (double)tile->now.difference[i] > still;
	if (input->reading.relearned || moving > UNSETTLED_BLOCKS_MIN || mode != tile->mode)
		tile->settled_ms = health->clock_ms + UNSETTLED_MS;
	tile->mode = mode;
	return health->clock_ms >= tile->settled_ms;
}

/* Is it another scene than the reference's? */
static bool is_strange(const struct tile *tile, const struct hf_edges_match *match)
{
	const struct reference *own = &tile->references[tile->mode];
	const struct reference *other = &tile->references[1 - tile->mode];
	const struct reference *known = own->learned_s >= HF_HEALTH_LEARN_S ? own : other;

	if (known->learned_s < HF_HEALTH_LEARN_S)
		return false;
	if (tile->now.one_colour_share > one_colour_max && known->one_colour < one_colour_usual)
		return true;
	if (known->typical < correlation_typical)
		return false;
	/* A cover is grey: its colour must not make a stranger of the scene. */
	if (match->spread < spread_lost * known->spread)
		return true;
	return known == own && match->correlation < correlation_min;
}

static void learn_scene(struct reference *reference, const struct hf_measure *now,
			const struct hf_edges_match *match)
{
	if (reference->learned_s == 0)
		*reference = (struct reference){ .edges = reference->edges,
						 .typical = 1,
						 .one_colour = now->one_colour_share };
	else
		reference->typical += (match->correlation - reference->typical) / 8;
	reference->spread +=
		(match->spread - reference->spread) / (reference->learned_s < 8 ? 1 : 8);
	reference->one_colour += (now->one_colour_share - reference->one_colour) / 8;
	if (reference->learned_s < HF_HEALTH_LEARN_S)
		reference->learned_s++;
}

static bool is_tampered(struct hf_health *health, struct tile *tile,
			const struct hf_health_input *input)
{
	const struct hf_motion_cells cells = hf_motion_cells(input->motion);
	const bool dark =
		tile->now.one_colour_level < DARK_LEVEL && tile->now.flat_level < DARK_LEVEL;

	if (!is_settled(health, tile, input) || dark)
		return tile->fault == HF_HEALTH_TAMPERED;
	if (health->clock_ms - tile->compared_ms < TAMPER_EVERY_MS)
		return tile->strange_since_ms >= 0 &&
		       health->clock_ms - tile->strange_since_ms >= HF_HEALTH_TAMPER_MS;
	tile->compared_ms = health->clock_ms;

	struct reference *reference = &tile->references[tile->mode];
	struct hf_edges_match match = hf_edges_compare(&cells, reference->edges, 0);
	bool strange = is_strange(tile, &match);

	if (strange && tile->strange_since_ms < 0)
		tile->strange_since_ms = health->clock_ms;
	if (strange && health->clock_ms - tile->strange_since_ms > DAY_MS) {
		for (int i = 0; i < MODES; i++)
			tile->references[i].learned_s = 0;
		strange = false;
	}
	if (!strange) {
		const bool learned = reference->learned_s >= HF_HEALTH_LEARN_S;
		const double weight = learned ? follow_share : 1.0 / (reference->learned_s + 1);

		tile->strange_since_ms = -1;
		(void)hf_edges_compare(&cells, reference->edges, weight);
		learn_scene(reference, &tile->now, &match);
	}
	tile->correlation = reference->learned_s > 1 ? match.correlation : 1;
	return strange && health->clock_ms - tile->strange_since_ms >= HF_HEALTH_TAMPER_MS;
}

/* --- the judgement of the moment ---------------------------------------------------------- */

static bool shows_no_signal(const struct tile *tile, const struct hf_frame *frame,
			    const struct hf_health_input *input)
{
	const struct hf_measure *now = &tile->now;
	const bool blue = now->u >= blue_u_min && now->v <= blue_v_max;

	if (now->quiet_share < quiet_share_min || now->flat_share < flat_share_min)
		return false;
	if (blue && now->flat_share >= flat_share_blue)
		return true;
	return hf_measure_has_text(frame, hf_motion_cells(input->motion).area, now->flat_level);
}

static bool shows_black(const struct tile *tile)
{
	const struct hf_measure *now = &tile->now;

	return now->quiet_share >= quiet_share_min && now->dark_share >= dark_share_min &&
	       now->structure < black_structure_max && now->contrast < black_structure_max;
}

static void judge(struct hf_health *health, struct tile *tile, const struct hf_frame *frame,
		  const struct hf_health_input *input, int64_t step_ms)
{
	enum hf_health_fault fault = HF_HEALTH_FAULTS;

	judge_stillness(health, tile, step_ms);
	if (health->breath &&
	    (tile->fault == HF_HEALTH_NO_SIGNAL || tile->fault == HF_HEALTH_BLACK))
		return;
	if (shows_no_signal(tile, frame, input))
		fault = HF_HEALTH_NO_SIGNAL;
	else if (shows_black(tile))
		fault = HF_HEALTH_BLACK;
	else if (tile->still)
		fault = HF_HEALTH_FROZEN;
	else if (is_tampered(health, tile, input))
		fault = HF_HEALTH_TAMPERED;
	if (fault == HF_HEALTH_NO_SIGNAL || fault == HF_HEALTH_BLACK) {
		tile->still = false;
		tile->moved_ms = health->clock_ms;
	}
	tile->fault = fault;
}

/* --- faults in time ----------------------------------------------------------------------- */

static struct hf_health_facts facts_of(const struct tile *tile)
{
	return (struct hf_health_facts){ .noise = tile->now.noise,
					 .noise_floor = tile->floor,
					 .level = tile->now.flat_level,
					 .deviation = tile->now.contrast,
					 .dark_share = tile->now.dark_share,
					 .flat_share = tile->now.flat_share,
					 .one_colour_share = tile->now.one_colour_share,
					 .correlation = tile->correlation,
					 .others = tile->others };
}

/* When did what is there now begin? */
static int64_t begin_of(const struct hf_health *health, const struct tile *tile,
			enum hf_health_fault fault)
{
	if (fault == HF_HEALTH_FROZEN) /* the window was over when it was seen */
		return tile->moved_ms - tile->opened_ms > HF_HEALTH_WINDOW_MS
			       ? tile->moved_ms - HF_HEALTH_WINDOW_MS
			       : tile->opened_ms;
	return fault == HF_HEALTH_TAMPERED && tile->strange_since_ms >= 0 ? tile->strange_since_ms
									  : health->clock_ms;
}

static void change(struct hf_health *health, uint32_t number, enum hf_health_fault fault,
		   const struct hf_frame *frame)
{
	struct tile *tile = &health->tiles[number];
	struct timer *timer = &tile->timers[fault];

	timer->event = (struct hf_health_event){ .fault = fault,
						 .tile = number,
						 .since_ms = health->clock_ms - timer->since_ms,
						 .captured_mono = frame->captured_mono,
						 .captured_wall = frame->captured_wall,
						 .facts = facts_of(tile) };
}

static void time_present(struct hf_health *health, uint32_t number, enum hf_health_fault fault,
			 const struct hf_frame *frame)
{
	struct timer *timer = &health->tiles[number].timers[fault];
	const struct hf_health_options *options = &health->options;
	const int64_t raise_ms = fault == HF_HEALTH_FROZEN ? options->frozen_ms : options->raise_ms;

	if (!timer->present && !timer->raised)
		timer->since_ms = begin_of(health, &health->tiles[number], fault);
	timer->present = true;
	timer->seen_ms = health->clock_ms;
	if (!timer->raised && health->clock_ms - timer->since_ms >= raise_ms) {
		timer->raised = true;
		timer->remind_ms = health->clock_ms + options->remind_ms;
		change(health, number, fault, frame);
	}
	if (timer->raised && health->clock_ms >= timer->remind_ms) {
		timer->remind_ms = health->clock_ms + DAY_MS;
		timer->reminding = true;
		change(health, number, fault, frame);
	}
}

static void time_absent(struct hf_health *health, uint32_t number, enum hf_health_fault fault,
			const struct hf_frame *frame)
{
	struct timer *timer = &health->tiles[number].timers[fault];
	const int64_t absent_ms = health->clock_ms - timer->seen_ms;

	if (absent_ms > HF_HEALTH_FLICKER_MS)
		timer->present = false;
	if (!timer->raised || absent_ms < health->options.clear_ms)
		return;
	timer->raised = timer->reminding = false;
	change(health, number, fault, frame);
	timer->event.since_ms = timer->seen_ms - timer->since_ms;
}

bool hf_health_next(struct hf_health *health, struct hf_health_event *ret_event)
{
	for (int i = 0; i < HF_TILES_MAX; i++)
		for (int k = 0; k < HF_HEALTH_FAULTS; k++) {
			struct timer *timer = &health->tiles[i].timers[k];

			if (timer->raised == timer->told && !timer->reminding)
				continue;
			*ret_event = timer->event;
			ret_event->news = timer->raised == timer->told ? HF_HEALTH_REMINDER
					  : timer->raised              ? HF_HEALTH_RAISED
								       : HF_HEALTH_CLEARED;
			timer->told = timer->raised;
			timer->reminding = false;
			return true;
		}
	return false;
}

/* --- a step ------------------------------------------------------------------------------- */

/* Is this frame a sample? ret_step_ms: how much the clock goes on. */
static bool is_sample(struct hf_health *health, const struct hf_frame *frame, int64_t *ret_step_ms)
{
	const int64_t since_ms = hf_mono_diff_us(frame->captured_mono, health->sampled_at) / 1000;
	const bool follows = health->started && since_ms >= 0;
	const int64_t interval_ms =
		health->clock_ms < health->young_ms ? YOUNG_SAMPLE_MS : HF_HEALTH_SAMPLE_MS;

	if (follows && since_ms < interval_ms - SAMPLE_SLACK_MS)
		return false;
	if (since_ms < 0 || since_ms > BREAK_MS) {
		/* Who was there may have frozen meanwhile. */
		hf_proof_begin(&health->proof, ~health->proof.unproven);
		if (health->started)
			hf_health_break(health);
	}
	*ret_step_ms = !follows ? 0 : since_ms < STEP_MS_MAX ? since_ms : STEP_MS_MAX;
	health->started = true;
	health->sampled_at = frame->captured_mono;
	health->clock_ms += *ret_step_ms;
	return true;
}

uint32_t hf_health_step(struct hf_health *health, const struct hf_frame *frame,
			const struct hf_health_input *inputs)
{
	int64_t step_ms;

	health->renewed = health->renewed || frame->renewed;
	if (!is_sample(health, frame, &step_ms))
		return health->blind_mask;
	for (int i = 0; i < HF_TILES_MAX; i++) {
		health->tiles[i].measured = false;
		if (inputs[i].motion != NULL && health->tiles[i].before != NULL)
			measure(health, &health->tiles[i], frame, &inputs[i]);
	}
	health->breath = takes_breath(health);
	for (int i = 0; i < HF_TILES_MAX; i++)
		if (health->tiles[i].measured)
			see_life(health, &health->tiles[i]);
	find_unproven(health);
	health->blind_mask = 0;
	for (uint32_t i = 0; i < HF_TILES_MAX; i++) {
		struct tile *tile = &health->tiles[i];

		if (inputs[i].motion != NULL)
			health->blind_mask |= health->proof.unproven & 1U << i;
		if (!tile->measured)
			continue;
		judge(health, tile, frame, &inputs[i], step_ms);
		learn_floor(health, tile);
		for (unsigned k = 0; k < HF_HEALTH_FAULTS; k++)
			if (tile->fault == k)
				time_present(health, i, k, frame);
			else
				time_absent(health, i, k, frame);
		if (tile->fault < HF_HEALTH_TAMPERED)
			health->blind_mask |= 1U << i;
	}
	return health->blind_mask;
}

uint32_t hf_health_dark(const struct hf_health *health)
{
	uint32_t dark = 0;

	for (uint32_t i = 0; i < HF_TILES_MAX; i++)
		if (health->tiles[i].before != NULL &&
		    (health->tiles[i].fault == HF_HEALTH_NO_SIGNAL ||
		     health->tiles[i].fault == HF_HEALTH_BLACK))
			dark |= 1U << i;
	return dark;
}

int64_t hf_health_still_ms(const struct hf_health *health, uint32_t tile)
{
	HF_ASSERT(tile < HF_TILES_MAX);
	const struct tile *self = &health->tiles[tile];
	uint32_t tiles = 0;

	for (int i = 0; i < HF_TILES_MAX; i++)
		tiles += health->tiles[i].before != NULL;
	/* What is dark is known not to be a frozen picture. */
	if (self->before != NULL &&
	    (self->fault == HF_HEALTH_NO_SIGNAL || self->fault == HF_HEALTH_BLACK))
		return 0;
	if (self->before == NULL || tiles < 2 || (self->floor <= 0 && !self->judged_by_others))
		return -1;
	return self->still ? health->clock_ms - self->moved_ms : 0;
}

struct hf_health_facts hf_health_facts(const struct hf_health *health, uint32_t tile)
{
	HF_ASSERT(tile < HF_TILES_MAX);
	return facts_of(&health->tiles[tile]);
}
