/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of reasons: id, name, what may be done about one, help. Included several times; no
 * include guard. HF_CAN(a) is 1 << HF_ACTION_a. Safe mode may follow from all but a link. */
HF_CLASS(PROCESS,     "process",     HF_CAN(RESTART_WORKER) | HF_CAN(RETRY_WORKER) | HF_CAN(RESTART_GROUP) | HF_CAN(RESTART_ALL) | HF_CAN(REBOOT) | HF_CAN(ROLLBACK) | HF_CAN(ROLLBACK_SYSTEM) | HF_CAN(SAFE_MODE) | HF_CAN(FALLBACK_MODEL),
         "a program ended, hangs or does not get on")
HF_CLASS(SENSOR,      "sensor",      HF_CAN(HOLD_CAMERA) | HF_CAN(RESTART_WORKER) | HF_CAN(RETRY_WORKER) | HF_CAN(RESTART_GROUP) | HF_CAN(SAFE_MODE),
         "a camera or recorder gives no picture, or not the right one")
HF_CLASS(ACCELERATOR, "accelerator", HF_CAN(SHED) | HF_CAN(RESTART_WORKER) | HF_CAN(RETRY_WORKER) | HF_CAN(RESTART_GROUP) | HF_CAN(FALLBACK_MODEL) | HF_CAN(RESET_DEVICE) | HF_CAN(RESTART_ALL) | HF_CAN(REBOOT) | HF_CAN(SAFE_MODE),
         "the device that computes fails or has no memory")
HF_CLASS(LATENCY,     "latency",     HF_CAN(SHED) | HF_CAN(FALLBACK_MODEL) | HF_CAN(SAFE_MODE),
         "results come too late to be of use")
HF_CLASS(INTEGRITY,   "integrity",   HF_CAN(HOLD_CAMERA) | HF_CAN(RESTART_WORKER) | HF_CAN(RETRY_WORKER) | HF_CAN(RESTART_GROUP) | HF_CAN(FALLBACK_MODEL) | HF_CAN(ROLLBACK) | HF_CAN(SAFE_MODE),
         "results may be wrong")
HF_CLASS(RESOURCE,    "resource",    HF_CAN(SHED) | HF_CAN(FALLBACK_MODEL) | HF_CAN(SAFE_MODE),
         "disk, memory or a cool processor run short")
HF_CLASS(PLATFORM,    "platform",    HF_CAN(RESTART_WORKER) | HF_CAN(RETRY_WORKER) | HF_CAN(RESTART_ALL) | HF_CAN(REBOOT) | HF_CAN(ROLLBACK) | HF_CAN(ROLLBACK_SYSTEM) | HF_CAN(SAFE_MODE),
         "the machine below: file system, medium, power, clock")
HF_CLASS(LINK,        "link",        0,
         "the way to the hub: recorded, never a matter of health")
HF_CLASS(RELEASE,     "release",     HF_CAN(ROLLBACK) | HF_CAN(ROLLBACK_SYSTEM) | HF_CAN(SAFE_MODE),
         "the software itself")
HF_CLASS(BLIND,       "blind",       HF_CAN(HOLD_CAMERA) | HF_CAN(RESTART_WORKER) | HF_CAN(RETRY_WORKER) | HF_CAN(RESTART_GROUP) | HF_CAN(SAFE_MODE),
         "what has to be known is not known")
#undef HF_CLASS
