/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/elf_image.h: an ELF file's bytes, by offset and by address. For plugin/doctor/elf.c alone.
 *
 * Parts are read where they are wanted: a library that weighs a gigabyte has a few megabytes that
 * matter here.
 */
#ifndef ADZE_PLUGIN_ELF_IMAGE_H
#define ADZE_PLUGIN_ELF_IMAGE_H

#include <link.h>

#include "plugin/refusal.h"

typedef struct adze_elf_image {
  const char *path; /* the caller's */
  int fd;           /* -1: DATA has the file */
  const char *data; /* the caller's */
  uint64_t size;
  ElfW (Ehdr) header;
  ElfW (Phdr) *segments;
  size_t segment_count;
} adze_elf_image;

#define ADZE_ELF_IMAGE_INIT { .fd = -1 }

/* Opens PATH, or takes SIZE bytes at DATA (which may be NULL when SIZE is 0) that the caller
 * keeps. */
ADZE_MUST_CHECK adze_error *adze_elf_image_open (const char *path, adze_elf_image *image);
void adze_elf_image_memory (const char *path, const char *data, size_t size,
                            adze_elf_image *image);
void adze_elf_image_cleanup (adze_elf_image *image);

/* The headers: an ELF file of this program's kind, whole, with segments that make sense. A shared
 * object, unless PROGRAM. */
ADZE_MUST_CHECK adze_error *adze_elf_image_check (adze_elf_image *image, bool program);

/* SIZE bytes from OFFSET on; WHAT they are is for the complaint. */
ADZE_MUST_CHECK adze_error *adze_elf_image_read (const adze_elf_image *image, const char *what,
                                                 uint64_t offset, void *into, size_t size);
/* The same from ADDRESS on, which must lie in the file's part of one segment. */
ADZE_MUST_CHECK adze_error *adze_elf_image_at (const adze_elf_image *image, const char *what,
                                               uint64_t address, void *into, size_t size);
/* COUNT elements of ELEMENT bytes into fresh memory, with a NUL behind them. */
ADZE_MUST_CHECK adze_error *adze_elf_image_table (const adze_elf_image *image, const char *what,
                                                  uint64_t address, uint64_t count,
                                                  size_t element, char **table);

/* The file says things of itself that cannot all be true. */
ADZE_MUST_CHECK ADZE_PRINTF (2, 3) adze_error *adze_elf_image_contradiction (
    const adze_elf_image *image, const char *format, ...);

#endif
