/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/files.h: the files that a format or a source has open, and the service it reads them by.
 */
#ifndef ADZE_ARTIFACT_FILES_H
#define ADZE_ARTIFACT_FILES_H

#include <adze/draft/file.h>

#include "artifact/name_index.h"
#include "base/file.h"

struct adze_file {
  char *path; /* as it was named */
  char *real; /* without links, so that a file is known by whatever name it comes */
  size_t number; /* in the set */
  int fd;
  uint64_t size;
  adze_file_identity identity;
};

/* A name by which one of them was asked for, beside file number BASE. */
typedef struct adze_file_alias {
  char *name;
  size_t base;
  adze_file *file;
} adze_file_alias;

/* A set of open files. A component's desk owns a struct of which this is the first member
 * (adze_desk_own), so that the service finds it. Zeros: an empty one. */
typedef struct adze_files {
  adze_file **files;
  size_t count;
  size_t capacity;
  adze_file_alias *aliases;
  size_t alias_count, alias_capacity;
  adze_name_index alias_names;
  uint64_t bytes_read;
} adze_files;

/* The table of adze.file/1. */
extern const adze_file_service adze_files_service;

/* Closes all. */
void adze_files_cleanup (adze_files *files);
ADZE_MUST_CHECK adze_error *adze_files_open (adze_files *files, const char *path,
                                             adze_file **file);
ADZE_MUST_CHECK adze_error *adze_files_beside (adze_files *files, const adze_file *file,
                                               const char *name, adze_file **other);
/* Is FILE one of them? */
bool adze_files_has (const adze_files *files, const adze_file *file);

/* pread and pwrite of everything, or an error that names the file, the offset and what the system
 * said; a file that ends early is ADZE_E_FORMAT. */
ADZE_MUST_CHECK adze_error *adze_read_at (int fd, const char *path, uint64_t offset, void *buffer,
                                          size_t size);
ADZE_MUST_CHECK adze_error *adze_write_at (int fd, const char *path, uint64_t offset,
                                           const void *buffer, size_t size);

#endif
