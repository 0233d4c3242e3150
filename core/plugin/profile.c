/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/profile.c: the host that plugins meet every day. */
#include "plugin/profile.h"

const adze_profile adze_profile_everyday = {
  .abi_major = ADZE_ABI_MAJOR,
  .abi_minor = ADZE_ABI_MINOR,
  .host_size = sizeof (adze_host),
};
