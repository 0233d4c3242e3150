/* SPDX-License-Identifier: Apache-2.0 */
/* Which adze is this? On the ground floor, since everybody's messages say it. */
#include <adze/host.h>

const char *
adze_version (void)
{
  return ADZE_VERSION;
}

void
adze_abi_version (uint32_t *major, uint32_t *minor)
{
  *major = ADZE_ABI_MAJOR;
  *minor = ADZE_ABI_MINOR;
}
