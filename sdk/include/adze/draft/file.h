/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/file.h: reading files through the host. Tier: draft.
 *
 * Formats and sources read through this service alone: so the host can say which file and where,
 * make every read fail in its tests, and refuse paths that lead out of a model's folder.
 */
#ifndef ADZE_DRAFT_FILE_H
#define ADZE_DRAFT_FILE_H

#include <adze/error.h>

ADZE_BEGIN_DECLS

#define ADZE_FILE "adze.file/1"

typedef struct adze_file adze_file;

typedef struct adze_file_service {
  uint32_t struct_size;

  /* [callback] A regular file, for reading; PATH is absolute (the value of a file parameter).
   * Belongs to the host, which closes it when the component's instance, or the callback of a
   * component without instances, ends. */
  adze_status (*open) (const adze_host *host, const char *path, adze_file **file);
  /* [callback] A file beside FILE or in a folder below it: a shard, external data. NAME is
   * relative; absolute ones, with ".." or a link out of the folder (but to blobs beside snapshots,
   * as in Hugging Face's cache) are refused. The same name gives the same file. */
  adze_status (*beside) (const adze_host *host, adze_file *file, const char *name,
                         adze_file **other);
  /* [callback] */
  uint64_t (*size) (const adze_host *host, const adze_file *file);
  /* [callback] As it was named: for messages. */
  const char *(*name) (const adze_host *host, const adze_file *file);
  /* [callback] SIZE bytes from OFFSET on, all of them: a file that ends before is
   * ADZE_E_FORMAT, and the reason says where. */
  adze_status (*read) (const adze_host *host, adze_file *file, uint64_t offset, void *buffer,
                       size_t size);
} adze_file_service;

/* Every host that opens a format or a source has this service. */
static inline const adze_file_service *
adze_files_of (const adze_host *host)
{
  return (const adze_file_service *)host->service (host, ADZE_FILE);
}

static inline uint64_t
adze_file_size (const adze_host *host, const adze_file *file)
{
  return adze_files_of (host)->size (host, file);
}

static inline adze_status
adze_file_read_at (const adze_host *host, adze_file *file, uint64_t offset, void *buffer,
                   size_t size)
{
  return adze_files_of (host)->read (host, file, offset, buffer, size);
}

ADZE_END_DECLS

#endif
