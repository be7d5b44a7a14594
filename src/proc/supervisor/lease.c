/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/lease.h"

#include "base/auto.h"
#include "shape/actuation.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL,
};

enum hf_code lease_open(const struct hf_config *config, struct lease *ret_lease, struct hf_err *err)
{
	*ret_lease = (struct lease){ .fd = -1 };
	if (!hf_actuation_configured(config))
		return HF_OK;
	HF_AUTO_FD fd = memfd_create("holdfast-lease", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)sizeof(struct hf_lease)) != 0)
		return hf_fail_errno(err, "make the lease");
	void *map = mmap(NULL, sizeof(struct hf_lease), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return hf_fail_errno(err, "map the lease");
	/* This mapping was there before: it alone goes on to write. */
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		enum hf_code code = hf_fail_errno(err, "seal the lease");

		(void)munmap(map, sizeof(struct hf_lease));
		return code;
	}
	ret_lease->page = map;
	ret_lease->fd = HF_TAKE_FD(fd);
	return HF_OK;
}

void lease_close(struct lease *lease)
{
	if (lease->page != NULL) {
		hf_lease_withdraw(lease->page);
		(void)munmap(lease->page, sizeof *lease->page);
	}
	if (lease->fd >= 0)
		(void)close(lease->fd);
	*lease = (struct lease){ .fd = -1 };
}

enum hf_code lease_hand_out(const struct lease *lease, int control_fd, struct hf_err *err)
{
	return hf_msg_send(control_fd, HF_MSG_LEASE, NULL, 0, &lease->fd, 1, err);
}

void lease_renew(struct lease *lease, bool may, uint64_t cameras_held, struct hf_mono now)
{
	if (lease->page == NULL)
		return;
	if (may)
		hf_lease_grant(lease->page, now, cameras_held);
	else
		hf_lease_withdraw(lease->page);
}
