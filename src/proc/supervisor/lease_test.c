/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/lease.h"

#include "test.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct hf_err err;

static struct lease open_one(void)
{
	struct hf_config config;
	struct lease lease;

	hf_config_defaults(&config);
	memcpy(config.actuation_command, "/bin/true", sizeof "/bin/true");
	CHECK_OK(lease_open(&config, &lease, &err));
	CHECK(lease.page != NULL);
	return lease;
}

static const struct hf_mono at = { .us = 10000000 };

TEST(without_an_output_there_is_no_lease_and_renewing_none_is_nothing)
{
	struct hf_config config;
	struct lease lease;

	hf_config_defaults(&config);
	CHECK_OK(lease_open(&config, &lease, &err));
	CHECK(lease.page == NULL);
	lease_renew(&lease, true, 0, at);
	lease_close(&lease);
}

TEST(it_is_withdrawn_until_it_is_granted_and_lapses_by_itself)
{
	struct lease lease = open_one();

	CHECK(!hf_lease_holds(lease.page, at, 0));
	lease_renew(&lease, true, 0, at);
	CHECK(hf_lease_holds(lease.page, at, 0));
	CHECK(hf_lease_holds(lease.page, hf_mono_add_ms(at, HF_LEASE_MS - 1), 0));
	CHECK(!hf_lease_holds(lease.page, hf_mono_add_ms(at, HF_LEASE_MS), 0));
	lease_close(&lease);
}

TEST(what_may_no_longer_is_over_at_once)
{
	struct lease lease = open_one();

	lease_renew(&lease, true, 0, at);
	lease_renew(&lease, false, 0, at);
	CHECK(!hf_lease_holds(lease.page, at, 0));
	lease_close(&lease);
}

TEST(a_held_camera_has_none_and_the_others_do)
{
	struct lease lease = open_one();

	lease_renew(&lease, true, UINT64_C(1) << 3 | UINT64_C(1) << 63, at);
	CHECK(hf_lease_holds(lease.page, at, 2));
	CHECK(!hf_lease_holds(lease.page, at, 3));
	CHECK(!hf_lease_holds(lease.page, at, 63));
	CHECK(!hf_lease_holds(lease.page, at, 64));
	lease_close(&lease);
}

TEST(a_grant_further_ahead_than_anybody_gives_is_none)
{
	struct lease lease = open_one();

	lease_renew(&lease, true, 0, hf_mono_add_ms(at, HF_LEASE_MS));
	CHECK(!hf_lease_holds(lease.page, at, 0));
	lease_close(&lease);
}

TEST(nobody_else_can_write_it)
{
	struct lease lease = open_one();

	CHECK(mmap(NULL, sizeof(struct hf_lease), PROT_READ | PROT_WRITE, MAP_SHARED, lease.fd,
		   0) == MAP_FAILED);
	CHECK(ftruncate(lease.fd, 0) != 0);
	void *map = mmap(NULL, sizeof(struct hf_lease), PROT_READ, MAP_SHARED, lease.fd, 0);
	CHECK(map != MAP_FAILED);
	lease_renew(&lease, true, 0, at);
	CHECK(hf_lease_holds(map, at, 0));
	(void)munmap(map, sizeof(struct hf_lease));
	lease_close(&lease);
}

TESTS(RUN(without_an_output_there_is_no_lease_and_renewing_none_is_nothing),
      RUN(it_is_withdrawn_until_it_is_granted_and_lapses_by_itself),
      RUN(what_may_no_longer_is_over_at_once), RUN(a_held_camera_has_none_and_the_others_do),
      RUN(a_grant_further_ahead_than_anybody_gives_is_none), RUN(nobody_else_can_write_it))
