/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: ingest/strip.h finds where text stands and makes a clean picture of it; the program
 * tesseract reads that, one line at a time, from its standard input. It is asked for letters that
 * recorders use only. What it says is a proposal: it reads about two names of three without a
 * mistake, so nothing relies on it.
 */
#include "base/auto.h"
#include "base/file.h"
#include "cli/setup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
	TEXT_BYTES = 256,
	LETTERS_MIN = 2,
	MASK_MARGIN = 3, /* pixels around text: outlines, and what the codec smears */
};

static char *const command[] = {
	"tesseract",
	"stdin",
	"stdout",
	"--psm",
	"7",
	"-c",
	"tessedit_char_whitelist="
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_./:#",
	NULL,
};

/* The picture as a file that tesseract takes (PGM), in memory. */
static enum hf_code make_picture(const struct hf_strip *strip, struct hf_rect place, int *ret_fd,
				 struct hf_err *err)
{
	uint32_t width, height;

	hf_strip_picture_size(place, &width, &height);
	size_t size_bytes = (size_t)width * height;
	HF_AUTO_FREE uint8_t *pixels = malloc(size_bytes);
	HF_AUTO_FD fd = memfd_create("strip.pgm", MFD_CLOEXEC);
	if (pixels == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	if (fd < 0)
		return hf_fail_errno(err, "make room for a picture");
	hf_strip_picture(strip, place, pixels);
	if (dprintf(fd, "P5 %u %u 255\n", width, height) < 0)
		return hf_fail_errno(err, "write a picture");
	enum hf_code code = hf_write_all(fd, pixels, size_bytes, err);
	if (code == HF_OK && lseek(fd, 0, SEEK_SET) < 0)
		return hf_fail_errno(err, "rewind a picture");
	if (code == HF_OK)
		*ret_fd = HF_TAKE_FD(fd);
	return code;
}

/* Runs the program; HF_E_NOENT: it is not installed. text holds what it printed. */
static enum hf_code run_reader(int picture_fd, char text[TEXT_BYTES], struct hf_err *err)
{
	HF_AUTO_FD answer_fd = memfd_create("answer", MFD_CLOEXEC);
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	if (answer_fd < 0 || posix_spawn_file_actions_init(&actions) != 0)
		return hf_fail_errno(err, "prepare to read text");
	int failed =
		posix_spawn_file_actions_adddup2(&actions, picture_fd, STDIN_FILENO) |
		posix_spawn_file_actions_adddup2(&actions, answer_fd, STDOUT_FILENO) |
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int refused = failed != 0
			      ? failed
			      : posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (refused == ENOENT)
		return hf_fail(err, HF_E_NOENT, "tesseract is not installed");
	if (refused != 0) {
		errno = refused;
		return hf_fail_errno(err, "run tesseract");
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return hf_fail_errno(err, "wait for tesseract");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return hf_fail(err, HF_E_IO, "tesseract could not read a picture");
	ssize_t n = pread(answer_fd, text, TEXT_BYTES - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return HF_OK;
}

/* One line, single spaces, printable ASCII: nothing else can be a name in the file. */
static void tidy(const char *text, char ret_name[HF_ID_BYTES])
{
	size_t length = 0;

	for (; *text != '\0' && *text != '\n' && length + 1 < HF_ID_BYTES; text++) {
		bool is_space = *text == ' ';

		if (!is_space && !isgraph((unsigned char)*text))
			continue;
		if (is_space && (length == 0 || ret_name[length - 1] == ' '))
			continue;
		ret_name[length++] = *text;
	}
	/* Specks beside the line are read as dots and dashes. */
	while (length > 0 && !isalnum((unsigned char)ret_name[length - 1]))
		length--;
	ret_name[length] = '\0';
	size_t specks = 0;
	while (specks < length && !isalnum((unsigned char)ret_name[specks]))
		specks++;
	memmove(ret_name, ret_name + specks, length - specks + 1);
}

/* A clock or a date is no name. */
static bool is_name(const char *text)
{
	unsigned letters = 0, digits = 0;

	for (; *text != '\0'; text++) {
		letters += isalpha((unsigned char)*text) != 0;
		digits += isdigit((unsigned char)*text) != 0;
	}
	return letters >= LETTERS_MIN && letters * 2 >= digits;
}

/* The part of the tile's height that text takes at an edge. */
static double share(struct hf_rect tile, struct hf_rect text, enum hf_strip_edge edge)
{
	uint32_t covered = edge == HF_STRIP_TOP ? text.y + text.height - tile.y
						: tile.y + tile.height - text.y;

	return (double)(covered + MASK_MARGIN) / tile.height;
}

static enum hf_code read_edge(struct hf_setup *setup, uint32_t tile, enum hf_strip_edge edge,
			      struct hf_err *err)
{
	struct hf_setup_camera *camera = &setup->cameras[tile];
	struct hf_rect rect = hf_layout_rect(setup->layout, tile, setup->width, setup->height);
	struct hf_setup_band *band = edge == HF_STRIP_TOP ? &setup->top : &setup->bottom;
	struct hf_strip_place place;
	char text[TEXT_BYTES], name[HF_ID_BYTES];
	HF_AUTO_FD picture_fd = -1;

	if (!hf_strip_find(setup->strip, rect, edge, &place))
		return HF_OK;
	enum hf_code code = make_picture(setup->strip, place.rect, &picture_fd, err);
	if (code == HF_OK && setup->can_read)
		code = run_reader(picture_fd, text, err);
	if (code == HF_E_NOENT)
		setup->can_read = false;
	else if (code != HF_OK)
		return code;
	name[0] = '\0';
	if (setup->can_read)
		tidy(text, name);
	/* A wall with windows may look like text, but does not read like it. */
	if (setup->can_read && strlen(name) < LETTERS_MIN)
		return HF_OK;
	band->tiles++;
	band->share = fmax(band->share, share(rect, place.rect, edge));
	if (camera->has_text || (setup->can_read && !is_name(name)))
		return HF_OK;
	camera->has_text = true;
	camera->place = place;
	memcpy(camera->name, name, sizeof name);
	return HF_OK;
}

enum hf_code hf_setup_read(struct hf_setup *setup, struct hf_err *err)
{
	unsigned side = hf_layout_side(setup->layout);
	enum hf_code code = HF_OK;

	setup->can_read = true;
	for (uint32_t i = 0; code == HF_OK && i < side * side; i++) {
		struct hf_rect rect = hf_layout_rect(setup->layout, i, setup->width, setup->height);

		setup->cameras[i].moves = hf_strip_moves(setup->strip, rect);
		code = read_edge(setup, i, HF_STRIP_TOP, err);
		if (code == HF_OK)
			code = read_edge(setup, i, HF_STRIP_BOTTOM, err);
	}
	return code;
}
