/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/watermark.h"

#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_A "01234567-89ab-cdef-0123-456789abcdef"
#define BOOT_B "11234567-89ab-cdef-0123-456789abcdef"

static const struct hf_watermark mark = {
	.order_seq = 5, .offset = 4711, .seq = 9, .file = "2026-04-20.jsonl"
};

struct bench {
	char folder[32];
	char path[64];
	struct hf_watermark_page *page;
	struct hf_watermark_page *view;
};

static void setup(struct bench *b)
{
	struct hf_err err = { 0 };

	(void)snprintf(b->folder, sizeof b->folder, "/tmp/hf_mark_XXXXXX");
	CHECK(mkdtemp(b->folder) != NULL);
	(void)snprintf(b->path, sizeof b->path, "%s/committed", b->folder);
	CHECK_OK(hf_watermark_create(b->folder, BOOT_A, 1, &b->page, &err));
	CHECK_OK(hf_watermark_open(b->folder, BOOT_A, &b->view, &err));
}

static void teardown(struct bench *b)
{
	hf_watermark_close(b->page);
	hf_watermark_close(b->view);
	(void)unlink(b->path);
	(void)rmdir(b->folder);
}

TEST(what_is_published_is_read)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_watermark got;

	setup(&b);
	CHECK_CODE(hf_watermark_read(b.view, &got, &err), HF_E_AGAIN);
	hf_watermark_publish(b.page, &mark);
	CHECK_OK(hf_watermark_read(b.view, &got, &err));
	CHECK_U64(got.order_seq, ==, 5);
	CHECK_U64(got.offset, ==, 4711);
	CHECK_U64(got.seq, ==, 9);
	CHECK_TEXT(got.file, "2026-04-20.jsonl");
	teardown(&b);
}

TEST(the_watermark_of_another_boot_is_none)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_watermark got;
	struct hf_watermark_page *later;

	setup(&b);
	hf_watermark_publish(b.page, &mark);
	CHECK_OK(hf_watermark_open(b.folder, BOOT_B, &later, &err));
	CHECK_CODE(hf_watermark_read(later, &got, &err), HF_E_AGAIN);
	hf_watermark_close(later);
	teardown(&b);
}

TEST(a_restarted_keeper_takes_the_page_over_and_its_reader_goes_on)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_watermark got, higher = mark;

	setup(&b);
	hf_watermark_publish(b.page, &mark);
	hf_watermark_close(b.page);
	CHECK_OK(hf_watermark_create(b.folder, BOOT_A, 2, &b.page, &err));
	CHECK_OK(hf_watermark_read(b.view, &got, &err));
	CHECK_U64(got.seq, ==, 9);
	higher.seq = 10;
	hf_watermark_publish(b.page, &higher);
	CHECK_OK(hf_watermark_read(b.view, &got, &err));
	CHECK_U64(got.seq, ==, 10);
	teardown(&b);
}

TEST(no_damaged_page_is_believed)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_watermark got;

	setup(&b);
	hf_watermark_publish(b.page, &mark);
	int fd = open(b.path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	/* magic, sequence (made odd: its writer died), CRC, payload. */
	const off_t places[] = { 0, 4, 8, 20, 70, 90, 100 };
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		char byte;

		CHECK(pread(fd, &byte, 1, places[i]) == 1);
		byte ^= 1;
		CHECK(pwrite(fd, &byte, 1, places[i]) == 1);
		CHECK_CODE(hf_watermark_read(b.view, &got, &err), HF_E_AGAIN);
		byte ^= 1;
		CHECK(pwrite(fd, &byte, 1, places[i]) == 1);
		CHECK_OK(hf_watermark_read(b.view, &got, &err));
	}
	/* Left odd by a keeper that was killed: the next one publishes all the same. */
	CHECK(pwrite(fd, "\x01", 1, 4) == 1);
	hf_watermark_publish(b.page, &mark);
	CHECK_OK(hf_watermark_read(b.view, &got, &err));
	(void)close(fd);
	teardown(&b);
}

TEST(a_reader_before_the_first_keeper_is_told_so)
{
	struct hf_err err = { 0 };
	struct hf_watermark_page *view;
	char folder[] = "/tmp/hf_mark_XXXXXX", path[64];

	CHECK(mkdtemp(folder) != NULL);
	CHECK_CODE(hf_watermark_open(folder, BOOT_A, &view, &err), HF_E_NOENT);
	(void)snprintf(path, sizeof path, "%s/committed", folder);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	CHECK_CODE(hf_watermark_open(folder, BOOT_A, &view, &err), HF_E_NOENT);
	(void)unlink(path);
	(void)rmdir(folder);
}

TESTS(RUN(what_is_published_is_read), RUN(the_watermark_of_another_boot_is_none),
      RUN(a_restarted_keeper_takes_the_page_over_and_its_reader_goes_on),
      RUN(no_damaged_page_is_believed), RUN(a_reader_before_the_first_keeper_is_told_so))
