/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * faults - what health found out about a camera, as the event that is made of it.
 *
 * Shape       camera_fault_raised, camera_fault_cleared, camera_fault_reminder, with
 *             {"fault":"frozen","camera":id,"tile":n,"since_s":x,...}. What follows
 *             are the measurements that explain it, in grey levels (0 to 255) and
 *             shares (0 to 1); which ones depends on the fault.
 */
#include "ingest/health.h"
#include "shape/config.h"

enum {
	FAULT_ATTRS_BYTES_MAX = 1024,
};

const char *fault_event_class(enum hf_health_news news);

/* HF_E_LIMIT: it does not fit. */
enum hf_code fault_write(const struct hf_health_event *event, const char *source_id,
			 const struct hf_config_camera *camera,
			 char ret_attrs[FAULT_ATTRS_BYTES_MAX], struct hf_err *err) HF_MUST_CHECK;
