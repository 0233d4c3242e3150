/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h: files, whole. */
#ifndef ADZE_BASE_FILE_H
#define ADZE_BASE_FILE_H

#include <sys/stat.h>

#include "base/buffer.h"

/* What a file of this MODE is that is no regular file: "a named pipe". */
const char *adze_file_kind (mode_t mode);

/* Opens PATH, which must be a regular file, for reading. A named pipe is refused rather than waited
 * for. STATUS may be NULL. */
ADZE_MUST_CHECK adze_error *adze_file_open (const char *path, int *fd, struct stat *status);

/* Reads all of PATH, which must be a regular file of at most MOST bytes. *DATA is to be freed and
 * has a NUL behind its last byte. */
ADZE_MUST_CHECK adze_error *adze_file_read (const char *path, size_t most, char **data,
                                            size_t *size);

/* Puts SIZE bytes under PATH so that the name never stands for half of them: temporary file
 * beside it, fsync, rename, fsync of the folder. The folder is made when it is missing. */
ADZE_MUST_CHECK adze_error *adze_file_write (const char *path, const void *data, size_t size,
                                             mode_t mode);

/* The same for what TEXT writes into a buffer, which is never all of it. */
ADZE_MUST_CHECK adze_error *adze_file_write_text (const char *path, mode_t mode,
                                                  void (*text) (const void *context,
                                                                adze_buffer *into),
                                                  const void *context);

/* Removes the temporary files that processes which are no more left of PATH. */
void adze_file_sweep (const char *path);

/* All missing folders of a path, with mode 0777 less the umask. */
ADZE_MUST_CHECK adze_error *adze_folder_make (const char *path);

/* The names in a folder that end in SUFFIX, sorted by bytes. A folder that does not exist gives
 * none. Free each name and the array. */
ADZE_MUST_CHECK adze_error *adze_folder_names (const char *path, const char *suffix, char ***names,
                                               size_t *count);
void adze_names_free (char **names, size_t count);

/* ERROR says why PATH cannot be opened. When it is not there and a name in the same folder is nearly
 * its own, that becomes the fact "hint". */
void adze_file_suggest (adze_error *error, const char *path);

/* printf into fresh memory; NULL without memory. */
ADZE_PRINTF (1, 2) char *adze_text_format (const char *format, ...);

/* Absolute and without "." and ".." or links when it exists, else only made absolute. */
ADZE_MUST_CHECK adze_error *adze_path_absolute (const char *path, char **absolute);

/* The same, and as much of it without ".", ".." and links as can be when it does not exist: two that
 * lead to one place come out the same. */
ADZE_MUST_CHECK adze_error *adze_path_settle (const char *path, char **settled);

/* The part behind the last slash. Points into PATH. */
const char *adze_path_base (const char *path);

/* Which content is this, without looking inside? */
typedef struct adze_file_identity {
  uint64_t device;
  uint64_t inode;
  uint64_t size;
  int64_t mtime_ns;
  int64_t ctime_ns; /* what cannot be set back, as the other time can */
} adze_file_identity;

adze_file_identity adze_file_identity_of (const struct stat *status);
bool adze_file_identity_equal (const adze_file_identity *a, const adze_file_identity *b);
/* "device:inode:size:mtime:ctime" in hexadecimal. */
enum { ADZE_IDENTITY_TEXT = 96 };
void adze_file_identity_text (const adze_file_identity *identity, char text[ADZE_IDENTITY_TEXT]);
/* Of the file at PATH now; zeros where there is none. */
adze_file_identity adze_file_identity_at (const char *path);

#endif
