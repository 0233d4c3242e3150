/* SPDX-License-Identifier: Apache-2.0 */
/* base/peak.c: the lines of /proc that say it, and pages. */
#include "base/peak.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The line KEY of a process's status, which counts kilobytes. */
static uint64_t
read_status (pid_t pid, const char *key)
{
  char path[64] = "/proc/self/status", line[256];
  uint64_t kilobytes = 0;
  size_t size = strlen (key);
  if (pid > 0)
    snprintf (path, sizeof path, "/proc/%jd/status", (intmax_t)pid);
  FILE *file = fopen (path, "re");
  while (file && fgets (line, sizeof line, file))
    if (strncmp (line, key, size) == 0 && sscanf (line + size, ": %" SCNu64, &kilobytes) == 1)
      break;
  if (file)
    fclose (file);
  return kilobytes * 1024;
}

uint64_t
adze_peak_memory (pid_t pid)
{
  return read_status (pid, "VmHWM");
}

uint64_t
adze_resident_memory (void)
{
  return read_status (0, "VmRSS");
}

uint64_t
adze_absent_memory (const void *place, uint64_t size)
{
  enum { PAGES = 4096 };
  unsigned char there[PAGES];
  uint64_t page = (uint64_t)sysconf (_SC_PAGESIZE), absent = 0;
  uintptr_t begin = ((uintptr_t)place + page - 1) / page * page;
  uintptr_t end = ((uintptr_t)place + size) / page * page;
  for (uintptr_t at = begin; at < end; at += PAGES * page) {
    uint64_t count = (end - at) / page < PAGES ? (end - at) / page : PAGES;
    if (mincore ((void *)at, count * page, there) != 0)
      return absent;
    for (uint64_t i = 0; i < count; i++)
      absent += (there[i] & 1) ? 0 : page;
  }
  return absent;
}

void
adze_leave_freed_memory (void)
{
  malloc_trim (0);
}
