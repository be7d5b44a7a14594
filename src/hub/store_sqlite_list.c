/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a listing looks at a bounded range of rows (see Limits of hub/store.h) and filters it; there
 * is no index by device or class.
 */
#include "hub/store_sqlite_inner.h"

#include "base/assert.h"

struct range {
	uint64_t low, high;
	enum statement statement;
};

static struct range range_of(const struct hf_event_query *query, uint64_t row_last)
{
	struct range range = { .low = 1, .high = row_last, .statement = LINES_DOWN };

	if (query->direction == HF_EVENTS_AFTER) {
		range.statement = LINES_UP;
		range.low = query->row + 1;
		if (range.low + HF_STORE_SCAN_ROWS <= range.high)
			range.high = range.low + HF_STORE_SCAN_ROWS - 1;
		return range;
	}
	if (query->direction == HF_EVENTS_BEFORE && query->row <= range.high)
		range.high = query->row == 0 ? 0 : query->row - 1;
	if (range.high > HF_STORE_SCAN_ROWS)
		range.low = range.high - HF_STORE_SCAN_ROWS + 1;
	return range;
}

static enum hf_code read_events(struct store_sqlite *store, const struct hf_event_query *query,
				const struct range *range, hf_event_row_fn *row_fn, void *context,
				struct hf_event_page *page, struct hf_err *err)
{
	AUTO_RESET list = store->statements[range->statement];
	uint64_t row_first = 0, row_last = 0;
	uint32_t count = 0;
	int result;

	bind_number(list, 1, range->low);
	bind_number(list, 2, range->high);
	bind_text(list, 3, query->device_id);
	bind_text(list, 4, query->event_class);
	bind_number(list, 5, query->limit);
	for (; (result = sqlite3_step(list)) == SQLITE_ROW; count++) {
		struct hf_event_row row = {
			.row = column_number(list, 0),
			.received = { .ms = sqlite3_column_int64(list, 1) },
			.line = column_text(list, 2),
			.line_bytes = (size_t)sqlite3_column_bytes(list, 2),
		};
		enum hf_code code = row_fn(context, &row, err);

		if (code != HF_OK)
			return code;
		row_first = count == 0 ? row.row : row_first;
		row_last = row.row;
	}
	if (result != SQLITE_DONE)
		return hf_sqlite_fail(store, result, "read", err);

	/* A full page ends at its own edge, any other where the looking ended. */
	bool full = count == query->limit;
	uint64_t low = full ? row_first : range->low;
	if (range->statement == LINES_UP)
		page->after = full ? row_last : range->high;
	else
		page->before = low > 1 ? low : 0;
	return HF_OK;
}

enum hf_code hf_sqlite_events(struct hf_store *base, const struct hf_event_query *query,
			      hf_event_row_fn *row_fn, void *context,
			      struct hf_event_page *ret_page, struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	bool found;
	uint64_t row_last;

	HF_ASSERT(query->limit > 0);
	enum hf_code code = hf_sqlite_open(store, err);
	if (code == HF_OK)
		code = hf_sqlite_look_up(store, store->statements[ROW_LAST], &found, &row_last,
					 err);
	if (code != HF_OK)
		return code;

	struct range range = range_of(query, row_last);
	struct hf_event_page page = { .after = row_last };
	code = read_events(store, query, &range, row_fn, context, &page, err);
	if (code == HF_OK)
		*ret_page = page;
	return code;
}

enum hf_code hf_sqlite_devices(struct hf_store *base, hf_device_row_fn *row_fn, void *context,
			       struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	enum hf_code code = hf_sqlite_open(store, err);
	if (code != HF_OK)
		return code;

	AUTO_RESET list = store->statements[DEVICES];
	int result;
	bind_number(list, 1, HF_STORE_DEVICES_MAX);
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		struct hf_device_row row = {
			.device_id = column_text(list, 0),
			.epoch = column_text(list, 1),
			.mark = column_number(list, 2),
			.first_seen = { .ms = sqlite3_column_int64(list, 3) },
			.last_seen = { .ms = sqlite3_column_int64(list, 4) },
			.events = column_number(list, 5),
			.duplicates = column_number(list, 6),
			.conflicts = column_number(list, 7),
			.late_fills = column_number(list, 8),
			.missing = column_number(list, 9),
			.state = column_text(list, 10),
			.release = column_text(list, 11),
			.forks = column_number(list, 12),
			.unchecked = column_number(list, 13),
			.forked_from = column_text(list, 14),
		};

		code = row_fn(context, &row, err);
		if (code != HF_OK)
			return code;
	}
	return result == SQLITE_DONE ? HF_OK : hf_sqlite_fail(store, result, "read", err);
}

enum hf_code hf_sqlite_gaps(struct hf_store *base, const char *device_id, hf_gap_row_fn *row_fn,
			    void *context, struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	enum hf_code code = hf_sqlite_open(store, err);
	if (code != HF_OK)
		return code;

	AUTO_RESET list = store->statements[GAPS];
	int result;
	bind_text(list, 1, device_id);
	bind_number(list, 2, HF_STORE_GAPS_MAX);
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		struct hf_gap_row row = {
			.device_id = column_text(list, 0),
			.epoch = column_text(list, 1),
			.first = column_number(list, 2),
			.last = column_number(list, 3),
			.noticed = { .ms = sqlite3_column_int64(list, 4) },
		};

		code = row_fn(context, &row, err);
		if (code != HF_OK)
			return code;
	}
	return result == SQLITE_DONE ? HF_OK : hf_sqlite_fail(store, result, "read", err);
}
