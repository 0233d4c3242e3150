/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/profile.h: which host a plugin meets.
 *
 * There is one everyday profile. The conformance kit and the ABI tests use others, to see what a
 * plugin does in an older or poorer host, or without memory.
 */
#ifndef ADZE_PLUGIN_PROFILE_H
#define ADZE_PLUGIN_PROFILE_H

#include <adze/host_table.h>

typedef struct adze_profile {
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t host_size;    /* of the table that is handed over */
  bool without_services; /* only adze.param/1 and what a kind cannot work without: adze.call/1 ... */
  bool watch_threads;    /* a [callback] service called from elsewhere is a broken contract */
  int64_t fail_allocation; /* the n-th adze_host.allocate fails, from 1; 0: none */
} adze_profile;

extern const adze_profile adze_profile_everyday;

#endif
