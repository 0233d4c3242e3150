/* SPDX-License-Identifier: Apache-2.0 */
/* base/peak.c: the line of /proc that says it. */
#include "base/peak.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t
adze_peak_memory (pid_t pid)
{
  char path[64] = "/proc/self/status", line[256];
  uint64_t kilobytes = 0;
  if (pid > 0)
    snprintf (path, sizeof path, "/proc/%jd/status", (intmax_t)pid);
  FILE *file = fopen (path, "re");
  while (file && fgets (line, sizeof line, file))
    if (sscanf (line, "VmHWM: %" SCNu64, &kilobytes) == 1)
      break;
  if (file)
    fclose (file);
  return kilobytes * 1024;
}
