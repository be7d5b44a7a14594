/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: along a segment, take SAMPLES places, each the mean of a few pixels along the seam
 * (noise of a dark camera is not an edge). At each, measure the step across every position
 * within REACH pixels of where the seam should be: recorders draw seams up to 4 pixels wide,
 * or none at all, and scaling shifts them by one. A step counts when it is clearly larger
 * than the steps a little farther off in the same segment (the controls), i.e. than this
 * picture's own texture. The position with most steps is the seam; the share of the segment
 * it covers, less what the controls cover, is the score. Objects have edges too, but not
 * along a whole tile, at exactly this place, and in most tiles.
 *
 * One kind of seam has no step: a scene beside its own mirror image, as in screens that are
 * composed of one clip for tests and demonstrations. There the symmetry gives it away.
 */
#include "ingest/layout.h"

#include "base/assert.h"

#include <math.h>

enum {
	SAMPLES = 64,
	SAMPLE_PIXELS = 4, /* along the seam */
	REACH = 4,
	STEP_PIXELS = 2, /* an edge that was scaled or compressed is two pixels wide */
	CONTROLS = 4,
	CONTROL_SPACING = 12,
	SPAN = CONTROLS / 2 * CONTROL_SPACING + REACH + STEP_PIXELS, /* looked at on both sides */
	END_PIXELS = 6, /* at both ends of a segment the crossing seams are left out */
	STRIP_PIXELS = 8,
	MIRROR_PIXELS = 10,
	MIRROR_ASIDE_MAX = SPAN - MIRROR_PIXELS - 2,
};

static const double step_min = 6;        /* grey levels: below it is noise of any picture */
static const double step_over_own = 1.6; /* times the texture's own mean step */
static const double texture_min = 4;     /* standard deviation along a strip */
static const double mirror_min = 2.0;
static const double mirror_share = 0.4;  /* of the difference that the texture would make */
static const double coverage_none = 0.1; /* of any line through any picture, over the rest */
static const double coverage_full = 0.5; /* two unlike scenes side by side */

/* What lies across a segment, place by place: [SPAN] is the first pixel beyond the seam. */
struct segment {
	float places[SAMPLES][2 * SPAN];
};

struct evidence {
	double sum;
	unsigned informed;
};

/* at + i * across + k * along, k < length */
static void read_segment(struct segment *s, const uint8_t *at, ptrdiff_t across, ptrdiff_t along,
			 unsigned length)
{
	unsigned deep = length / SAMPLES;

	deep = deep > SAMPLE_PIXELS ? SAMPLE_PIXELS : deep > 0 ? deep : 1;
	for (unsigned i = 0; i < SAMPLES; i++) {
		const uint8_t *place =
			at + (ptrdiff_t)(i * (length - deep) / SAMPLES) * along - SPAN * across;

		for (int x = 0; x < 2 * SPAN; x++) {
			int sum = 0;

			for (unsigned k = 0; k < deep; k++)
				sum += place[x * across + (ptrdiff_t)k * along];
			s->places[i][x] = (float)sum / (float)deep;
		}
	}
}

static double step_at(const float *place, int position)
{
	return fabs((double)place[SPAN + position] - (double)place[SPAN + position - STEP_PIXELS]);
}

static int control_position(int n)
{
	int distance = (n / 2 + 1) * CONTROL_SPACING;

	return n % 2 == 0 ? distance : STEP_PIXELS - distance;
}

/* Does the strip beside the seam hold anything to break off at? Averaging leaves noise out. */
static bool is_textured(const struct segment *s, int from)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < SAMPLES; i++) {
		double mean = 0;

		for (int x = from; x < from + STRIP_PIXELS; x++)
			mean += (double)s->places[i][SPAN + x] / STRIP_PIXELS;
		sum += mean;
		squares += mean * mean;
	}
	double mean = sum / SAMPLES;
	return squares / SAMPLES - mean * mean > texture_min * texture_min;
}

/* How much the two sides of a place differ when one is folded onto the other. Brightness of
 * the one as a whole does not count. */
static double fold(const struct segment *s, int centre)
{
	double differences[SAMPLES], sum = 0, spread = 0;

	for (unsigned i = 0; i < SAMPLES; i++) {
		differences[i] = 0;
		for (int d = 1; d <= MIRROR_PIXELS; d++)
			differences[i] += (double)s->places[i][SPAN + centre + d] -
					  (double)s->places[i][SPAN + centre - 1 - d];
		sum += differences[i];
	}
	for (unsigned i = 0; i < SAMPLES; i++)
		spread += fabs(differences[i] - sum / SAMPLES);
	return spread / (SAMPLES * MIRROR_PIXELS);
}

/* Symmetric here and nowhere near: a regular pattern has many axes. */
static bool is_mirrored(const struct segment *s)
{
	double here = fold(s, 0) / mirror_share;

	if (here < mirror_min)
		here = mirror_min;
	for (int aside = CONTROL_SPACING / 2; aside <= MIRROR_ASIDE_MAX; aside += 2)
		if (fold(s, -aside) < here || fold(s, aside) < here)
			return false;
	return true;
}

/* The share of the segment with a step above the threshold, at the best position near centre. */
static double coverage_near(const struct segment *s, int centre, double threshold)
{
	unsigned best = 0;

	for (int p = centre - REACH; p <= centre + REACH; p++) {
		unsigned count = 0;

		for (unsigned i = 0; i < SAMPLES; i++)
			count += step_at(s->places[i], p) > threshold;
		best = count > best ? count : best;
	}
	return (double)best / SAMPLES;
}

static void assess_segment(const struct segment *s, struct evidence *evidence)
{
	double own = 0, off = 0;

	for (unsigned i = 0; i < SAMPLES; i++)
		for (int c = 0; c < CONTROLS; c++)
			own += step_at(s->places[i], control_position(c));
	own = own / (SAMPLES * CONTROLS) * step_over_own;
	double threshold = own > step_min ? own : step_min;

	for (int c = 0; c < CONTROLS; c++)
		off += coverage_near(s, control_position(c), threshold) / CONTROLS;
	double coverage = coverage_near(s, 0, threshold) - off;
	double score = (coverage - coverage_none) / (coverage_full - coverage_none);
	score = score < 0 ? 0 : score > 1 ? 1 : score;
	if (score < 0.5 && is_mirrored(s))
		score = 1;
	if (score < 0.5 && !is_textured(s, -REACH - STRIP_PIXELS) && !is_textured(s, REACH + 1))
		return;
	evidence->sum += score;
	evidence->informed++;
}

static void assess_line(const struct hf_frame *frame, unsigned n, unsigned k, bool upright,
			struct evidence *evidence)
{
	uint32_t width = upright ? frame->width : frame->height;  /* across the line */
	uint32_t height = upright ? frame->height : frame->width; /* along it */
	ptrdiff_t across = upright ? 1 : frame->strides[0];
	ptrdiff_t along = upright ? frame->strides[0] : 1;

	for (unsigned j = 0; j < n; j++) {
		unsigned from = height * j / n + END_PIXELS, to = height * (j + 1) / n - END_PIXELS;
		struct segment s;

		read_segment(&s,
			     frame->planes[0] + (ptrdiff_t)(width * k / n) * across +
				     (ptrdiff_t)from * along,
			     across, along, to - from);
		assess_segment(&s, evidence);
	}
}

/* Lines of an n x n grid that a coarser grid we know does not have. */
static bool is_own_line(unsigned n, unsigned k)
{
	return !(n == 4 && k == 2);
}

void hf_layout_assess(const struct hf_frame *frame, struct hf_layout_reading *ret_reading)
{
	struct hf_layout_reading reading = { .layout = HF_LAYOUT_UNKNOWN, .sure = true };
	unsigned informed = 0;

	for (unsigned n = 4; n >= 2 && reading.layout == HF_LAYOUT_UNKNOWN; n--) {
		struct evidence evidence = { 0 };

		if (frame->width / n < HF_LAYOUT_TILE_MIN || frame->height / n < HF_LAYOUT_TILE_MIN)
			continue;
		for (unsigned k = 1; k < n; k++)
			for (int upright = 0; upright < 2 && is_own_line(n, k); upright++)
				assess_line(frame, n, k, upright != 0, &evidence);
		if (evidence.informed > 0)
			reading.scores[n] = evidence.sum / evidence.informed;
		reading.informed[n] = evidence.informed > 0;
		informed += evidence.informed;
		if (reading.scores[n] > HF_LAYOUT_SCORE_MIN)
			reading.layout = (enum hf_layout)n;
		else if (reading.scores[n] > HF_LAYOUT_SCORE_NONE)
			reading.sure = false;
	}
	if (reading.layout == HF_LAYOUT_UNKNOWN && informed > 0)
		reading.layout = HF_LAYOUT_1X1;
	*ret_reading = reading;
}

/* Nothing is left of the seams of the layout in force: whatever this is, it is not that. */
static bool is_gone(const struct hf_layout_tracker *tracker,
		    const struct hf_layout_reading *reading)
{
	return tracker->current > reading->layout && reading->informed[tracker->current] &&
	       reading->scores[tracker->current] < HF_LAYOUT_SCORE_NONE;
}

bool hf_layout_track(struct hf_layout_tracker *tracker, const struct hf_layout_reading *reading)
{
	const bool known = tracker->current != HF_LAYOUT_UNKNOWN;
	const bool counts = reading->layout != HF_LAYOUT_UNKNOWN &&
			    (reading->sure || !known || is_gone(tracker, reading));
	const bool quick = reading->sure && tracker->unrest <= HF_LAYOUT_UNREST_MAX;

	tracker->unrest -= tracker->unrest > 0;
	if (!counts || reading->layout == tracker->current) {
		tracker->candidate = HF_LAYOUT_UNKNOWN;
		tracker->agreeing = 0;
		return false;
	}
	if (reading->layout != tracker->candidate)
		tracker->agreeing = 0;
	tracker->candidate = reading->layout;
	tracker->agreeing++;
	if (tracker->agreeing < (quick ? HF_LAYOUT_AGREEING : HF_LAYOUT_AGREEING_WEAK))
		return false;
	*tracker = (struct hf_layout_tracker){
		.current = reading->layout,
		.unrest = tracker->unrest + (known ? HF_LAYOUT_UNREST_CHANGE : 0),
	};
	return true;
}

bool hf_layout_in_doubt(const struct hf_layout_tracker *tracker)
{
	return tracker->current == HF_LAYOUT_UNKNOWN || tracker->candidate != HF_LAYOUT_UNKNOWN;
}

struct hf_rect hf_layout_rect(enum hf_layout layout, uint32_t tile, uint32_t width, uint32_t height)
{
	unsigned side = hf_layout_side(layout);

	HF_ASSERT(side > 0 && tile < side * side);
	unsigned column = tile % side, row = tile / side;
	uint32_t left = width * column / side & ~1U, top = height * row / side & ~1U;
	uint32_t right = column + 1 == side ? width : width * (column + 1) / side & ~1U;
	uint32_t bottom = row + 1 == side ? height : height * (row + 1) / side & ~1U;

	return (struct hf_rect){
		.x = left, .y = top, .width = right - left, .height = bottom - top
	};
}
