/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the text is cut at its commas, each piece at its blank. A piece of days alone goes on to
 * the next piece; a piece with hours ends a window.
 */
#include "shape/schedule.h"

#include "base/assert.h"
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const day_names[HF_SCHEDULE_DAYS] = { "mon", "tue", "wed", "thu",
							 "fri", "sat", "sun" };

struct word {
	const char *at;
	size_t length;
};

struct parse {
	const char *text;
	struct hf_schedule schedule;
	struct word pending; /* days that wait for their hours; at NULL: none */
	unsigned pending_days;
	bool any_daily, any_named; /* windows without days, and with */
	struct hf_err *err;
};

static int shown_length(struct word word)
{
	const size_t longest = 40;
	size_t length = word.length < longest ? word.length : longest;

	/* Not within a character. */
	while (length < word.length && length > 0 &&
	       ((unsigned char)word.at[length] & 0xc0) == 0x80)
		length--;
	return (int)length;
}

static unsigned character_of(const struct parse *parse, const char *at)
{
	unsigned character = 1;

	for (const char *c = parse->text; c < at; c++)
		character += ((unsigned char)*c & 0xc0) != 0x80;
	return character;
}

/* "WHAT" and the character at which it stands, then why it is refused. */
static enum hf_code refuse(const struct parse *parse, struct word word, const char *format, ...)
	HF_PRINTF(3, 4);
static enum hf_code refuse(const struct parse *parse, struct word word, const char *format, ...)
{
	char why[HF_ERR_TEXT_BYTES_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, sizeof why, format, ap);
	va_end(ap);
	return hf_fail(parse->err, HF_E_INVALID, "\"%.*s\" at character %u %s", shown_length(word),
		       word.at, character_of(parse, word.at), why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct word word_of(const char *from, const char *end)
{
	return (struct word){ from, (size_t)(end - from) };
}

static const char *find(struct word word, char c)
{
	return memchr(word.at, c, word.length);
}

/* Days */

/* 0 is Monday; -1: none of them. */
static int day_of(struct word word)
{
	for (int day = 0; day < HF_SCHEDULE_DAYS; day++)
		if (word.length == 3 && strncasecmp(word.at, day_names[day], 3) == 0)
			return day;
	return -1;
}

static enum hf_code refuse_day(const struct parse *parse, struct word word)
{
	static const struct {
		const char *word;
		const char *advice;
	} known[] = {
		{ "daily", "leave it out: hours without days hold every day" },
		{ "weekdays", "write mon-fri" },
		{ "weekend", "write sat-sun" },
		{ "weekends", "write sat-sun" },
		{ "always", "write 00:00-24:00" },
		{ "never", "a rule that is never wanted is switched off where the zone is" },
	};
	const char *best = NULL;
	char copy[HF_SUGGEST_BYTES_MAX];

	(void)snprintf(copy, sizeof copy, "%.*s", shown_length(word), word.at);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcasecmp(copy, known[i].word) == 0)
			return refuse(parse, word, "is not a day; %s", known[i].advice);
	for (int day = 0; day < HF_SCHEDULE_DAYS; day++)
		if (word.length > 3 && strncasecmp(word.at, day_names[day], 3) == 0)
			best = day_names[day];
	for (int day = 0; best == NULL && day < HF_SCHEDULE_DAYS; day++)
		hf_suggest_consider(copy, day_names[day], &best);
	if (best != NULL)
		return refuse(parse, word, "is not a day; did you mean %s?", best);
	return refuse(parse, word,
		      "is not a day; the days are mon tue wed thu fri sat sun, as in "
		      "\"" HF_SCHEDULE_EXAMPLE "\"");
}

/* "mon" or "mon-fri". */
static enum hf_code parse_days(const struct parse *parse, struct word word, unsigned *ret_days)
{
	const char *dash = find(word, '-');
	struct word first = dash != NULL ? word_of(word.at, dash) : word;
	struct word last = dash != NULL ? word_of(dash + 1, word.at + word.length) : word;
	int from = day_of(first);
	int to = day_of(last);

	if (dash != NULL && (first.length == 0 || last.length == 0))
		return refuse(parse, word,
			      "lacks a day; write it as one word, for example mon-fri");
	if (from < 0)
		return refuse_day(parse, first);
	if (to < 0)
		return refuse_day(parse, last);
	if (dash != NULL && from == to)
		return refuse(parse, word, "may be one day or the whole week; write %s, or mon-sun",
			      day_names[from]);
	*ret_days = 1U << from;
	for (int day = from; day != to;) {
		day = (day + 1) % HF_SCHEDULE_DAYS;
		*ret_days |= 1U << day;
	}
	return HF_OK;
}

/* Hours */

/* "HH:MM" to minutes; -1: it is not. */
static int minutes_of(struct word word)
{
	if (word.length != 5 || !is_digit(word.at[0]) || !is_digit(word.at[1]) ||
	    word.at[2] != ':' || !is_digit(word.at[3]) || !is_digit(word.at[4]))
		return -1;
	int hours = (word.at[0] - '0') * 10 + word.at[1] - '0';
	int minutes = (word.at[3] - '0') * 10 + word.at[4] - '0';

	if (minutes > 59 || hours > 24 || (hours == 24 && minutes > 0))
		return -1;
	return hours * 60 + minutes;
}

/* 8:00, 8.00, 18h00, 1800, 18: what was meant is plain, and still not guessed. */
static bool nearly_time(struct word word, unsigned *ret_hours, unsigned *ret_minutes)
{
	size_t i = 0;
	unsigned hours = 0, minutes = 0;

	for (; i < word.length && i < 2 && is_digit(word.at[i]); i++)
		hours = hours * 10 + (unsigned)(word.at[i] - '0');
	if (i > 0 && i < word.length && strchr(":.hH", word.at[i]) != NULL)
		i++;
	if (i + 2 == word.length && is_digit(word.at[i]) && is_digit(word.at[i + 1])) {
		minutes = (unsigned)(word.at[i] - '0') * 10 + (unsigned)(word.at[i + 1] - '0');
		i += 2;
	}
	*ret_hours = hours;
	*ret_minutes = minutes;
	return i == word.length && i > 0 && is_digit(word.at[0]) && hours < 24 && minutes < 60;
}

static enum hf_code refuse_time(const struct parse *parse, struct word word)
{
	unsigned hours, minutes;

	if (nearly_time(word, &hours, &minutes))
		return refuse(parse, word, "is not a time as HH:MM; write %02u:%02u", hours,
			      minutes);
	return refuse(parse, word, "is not a time from 00:00 to 24:00 as HH:MM, for example 07:30");
}

/* "18:00-07:00". */
static enum hf_code parse_hours(const struct parse *parse, struct word word,
				struct hf_schedule_window *ret_window)
{
	const char *dash = find(word, '-');

	if (dash == NULL || dash + 1 == word.at + word.length)
		return refuse(parse, word,
			      "needs a start and an end in one word, for example 18:00-07:00");
	struct word first = word_of(word.at, dash);
	struct word last = word_of(dash + 1, word.at + word.length);
	int start = minutes_of(first);
	int end = minutes_of(last);

	if (start < 0)
		return refuse_time(parse, first);
	if (end < 0)
		return refuse_time(parse, last);
	if (start == HF_SCHEDULE_DAY_MIN)
		return refuse(parse, word, "starts at 24:00, which only ends a day; write 00:00");
	if (start == end)
		return refuse(parse, word,
			      "is no time at all, or all day; for all day write "
			      "00:00-24:00");
	ret_window->start_min = (uint16_t)start;
	ret_window->end_min = (uint16_t)(end > start ? end : end + HF_SCHEDULE_DAY_MIN);
	return HF_OK;
}

/* Pieces */

static enum hf_code add_window(struct parse *parse, const struct hf_schedule_window *window,
			       struct word hours)
{
	if (parse->any_daily && parse->any_named)
		return refuse(
			parse, hours,
			"leaves open on which days: name the days of every window or of none, "
			"for example mon-sun %.11s",
			hours.at);
	if (parse->schedule.window_count == HF_SCHEDULE_WINDOWS_MAX)
		return refuse(parse, hours, "is one window more than the %d that fit",
			      HF_SCHEDULE_WINDOWS_MAX);
	parse->schedule.windows[parse->schedule.window_count++] = *window;
	return HF_OK;
}

/* A piece with hours ends a window. days.at NULL: it names none of its own. */
static enum hf_code end_window(struct parse *parse, struct word days, struct word hours)
{
	struct hf_schedule_window window = { 0 };
	unsigned named = 0;

	enum hf_code code = parse_hours(parse, hours, &window);
	if (code == HF_OK && days.at != NULL)
		code = parse_days(parse, days, &named);
	if (code != HF_OK)
		return code;
	if (days.at == NULL && parse->pending.at != NULL)
		return refuse(parse, hours,
			      "comes after a comma; between days and their hours stands a blank: "
			      "%.*s %.11s",
			      shown_length(parse->pending), parse->pending.at, hours.at);
	named |= parse->pending_days;
	parse->pending = (struct word){ 0 };
	parse->pending_days = 0;
	*(named == 0 ? &parse->any_daily : &parse->any_named) = true;
	window.days = (uint8_t)(named == 0 ? (1U << HF_SCHEDULE_DAYS) - 1 : named);
	return add_window(parse, &window, hours);
}

static bool contains(struct word word, const char *part)
{
	return memmem(word.at, word.length, part, strlen(part)) != NULL;
}

static enum hf_code refuse_words(const struct parse *parse, struct word piece)
{
	const char *blank = find(piece, ' ');

	if (contains(piece, "- ") || contains(piece, " -"))
		return refuse(parse, piece,
			      "has a blank beside a \"-\"; write it without, for "
			      "example mon-fri 18:00-07:00");
	if (is_digit(piece.at[0]) && blank != NULL && !is_digit(blank[strspn(blank, " ")]))
		return refuse(parse, piece, "has its days behind the hours; write the days first");
	return refuse(parse, piece,
		      "is more than days and hours; a comma stands between two windows, as in "
		      "\"" HF_SCHEDULE_EXAMPLE "\"");
}

static struct word trimmed(struct word piece)
{
	while (piece.length > 0 && piece.at[0] == ' ')
		piece = (struct word){ piece.at + 1, piece.length - 1 };
	while (piece.length > 0 && piece.at[piece.length - 1] == ' ')
		piece.length--;
	return piece;
}

/* What stands between two commas. */
static enum hf_code parse_piece(struct parse *parse, struct word whole)
{
	struct word piece = trimmed(whole), hours;
	unsigned days;

	if (piece.length == 0)
		return hf_fail(
			parse->err, HF_E_INVALID,
			"nothing stands before character %u, where a window is expected, for "
			"example mon-fri 18:00-07:00",
			character_of(parse, whole.at + whole.length));
	if (contains(piece, "\xe2\x80"))
		return refuse(parse, piece,
			      "has a long dash in it; write the \"-\" of the keyboard");
	const char *blank = find(piece, ' ');
	if (blank == NULL && is_digit(piece.at[0]))
		return end_window(parse, (struct word){ 0 }, piece);
	if (blank != NULL) {
		hours = trimmed(word_of(blank, piece.at + piece.length));
		if (is_digit(piece.at[0]) || !is_digit(hours.at[0]) || find(hours, ' ') != NULL)
			return refuse_words(parse, piece);
		return end_window(parse, word_of(piece.at, blank), hours);
	}
	enum hf_code code = parse_days(parse, piece, &days);
	if (code != HF_OK)
		return code;
	parse->pending = piece;
	parse->pending_days |= days;
	return HF_OK;
}

enum hf_code hf_schedule_parse(const char *text, struct hf_schedule *ret_schedule,
			       struct hf_err *err)
{
	struct parse parse = { .text = text, .err = err };
	enum hf_code code = HF_OK;

	for (const char *c = text; code == HF_OK && *text != '\0';) {
		const char *end = c + strcspn(c, ",");

		code = parse_piece(&parse, word_of(c, end));
		if (*end == '\0')
			break;
		c = end + 1;
	}
	if (code == HF_OK && parse.pending.at != NULL)
		return refuse(&parse, parse.pending,
			      "has no hours; for the whole day write %.*s 00:00-24:00",
			      shown_length(parse.pending), parse.pending.at);
	if (code == HF_OK)
		*ret_schedule = parse.schedule;
	return code;
}

bool hf_schedule_holds(const struct hf_schedule *schedule, unsigned weekday, unsigned minute)
{
	HF_ASSERT(weekday < HF_SCHEDULE_DAYS && minute < HF_SCHEDULE_DAY_MIN);
	unsigned today = 1U << weekday;
	unsigned yesterday = 1U << (weekday + HF_SCHEDULE_DAYS - 1) % HF_SCHEDULE_DAYS;

	for (uint32_t i = 0; i < schedule->window_count; i++) {
		const struct hf_schedule_window *window = &schedule->windows[i];

		if ((window->days & today) != 0 && minute >= window->start_min &&
		    minute < window->end_min)
			return true;
		if ((window->days & yesterday) != 0 &&
		    minute + HF_SCHEDULE_DAY_MIN < window->end_min)
			return true;
	}
	return schedule->window_count == 0;
}
