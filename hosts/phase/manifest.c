/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: manifest.json, read and held against the files. */
#include "phase/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void
phase_manifest_cleanup (phase_manifest *manifest)
{
  for (size_t i = 0; i < manifest->count; i++)
    free (manifest->parts[i].file);
  free (manifest->parts);
  *manifest = (phase_manifest){ .count = 0 };
}

char *
phase_manifest_text (int folder, char digest[PHASE_DIGEST])
{
  struct stat found;
  int64_t bytes;
  PHASE_FD fd = openat (folder, PHASE_MANIFEST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &found) != 0)
    return NULL;
  errno = EFBIG;
  if (!S_ISREG (found.st_mode) || found.st_size > PHASE_MANIFEST_MOST)
    return NULL;
  char *text = calloc (1, (size_t)found.st_size + 1);
  if (text && pread (fd, text, (size_t)found.st_size, 0) == found.st_size && phase_digest (fd, -1, digest, &bytes)
      && bytes == found.st_size)
    return text;
  free (text);
  return NULL;
}

static int
damaged (const phase_state *state, const char *where, const char *why)
{
  return adze_cli_refuse (state->cli, "the bundle %s is damaged: %s", where, why);
}

/* A name with a slash would lead out of the bundle. */
static bool
is_sound (const char *file, const char *digest)
{
  return file[0] && file[0] != '.' && !strchr (file, '/') && strcmp (file, PHASE_MANIFEST) != 0
         && strlen (digest) == PHASE_DIGEST - 1 && strspn (digest, "0123456789abcdef") == PHASE_DIGEST - 1;
}

static int
add_part (const phase_state *state, phase_manifest *manifest, sqlite3_stmt *row, const char *where)
{
  const char *file = phase_text (row, 0), *digest = phase_text (row, 1);
  phase_part *grown = reallocarray (manifest->parts, manifest->count + 1, sizeof *grown);
  manifest->parts = grown ? grown : manifest->parts;
  char *copy = grown ? strdup (file) : NULL;
  if (!copy)
    return adze_cli_no_memory (state->cli);
  phase_part *part = &grown[manifest->count++];
  *part = (phase_part){ .file = copy, .bytes = sqlite3_column_int64 (row, 2) };
  if (!is_sound (file, digest))
    return damaged (state, where, "its " PHASE_MANIFEST " names a file that cannot be in it");
  memcpy (part->digest, digest, PHASE_DIGEST);
  return ADZE_CLI_FINE;
}

static int
read_parts (const phase_state *state, const char *text, const char *where, phase_manifest *manifest)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = true;
  int status = phase_prepare (state, &statement,
                              "SELECT json_extract (value, '$.file'), json_extract (value, '$.sha256'),"
                              " json_extract (value, '$.bytes') FROM json_each (?1, '$.domains')"
                              " WHERE json_extract (?1, '$.manifest') = 1",
                              "s", text);
  while (status == ADZE_CLI_FINE && (status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row)
    status = add_part (state, manifest, statement, where);
  return status;
}

bool
phase_manifest_is_json (const phase_state *state, const char *text)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  return phase_prepare (state, &statement, "SELECT json_valid (?)", "s", text) == ADZE_CLI_FINE
         && phase_step (state, statement, &row) == ADZE_CLI_FINE && row && sqlite3_column_int (statement, 0) == 1;
}

int
phase_manifest_read (const phase_state *state, int folder, const char *where, phase_manifest *manifest)
{
  ADZE_CLI_FREE char *text = phase_manifest_text (folder, manifest->digest);
  if (!text)
    return damaged (state, where, "its " PHASE_MANIFEST " cannot be read");
  if (!phase_manifest_is_json (state, text))
    return damaged (state, where, "its " PHASE_MANIFEST " is no JSON");
  int status = read_parts (state, text, where, manifest);
  return status == ADZE_CLI_FINE && manifest->count == 0 ? damaged (state, where, "its " PHASE_MANIFEST " names no file")
                                                         : status;
}

int
phase_manifest_check (const phase_state *state, int folder, const char *where, const phase_manifest *manifest)
{
  for (size_t i = 0; i < manifest->count; i++) {
    const phase_part *part = &manifest->parts[i];
    char digest[PHASE_DIGEST];
    int64_t bytes;
    if (!phase_digest_at (folder, part->file, digest, &bytes))
      return adze_cli_broken (state->cli, "the bundle %s is damaged: cannot read %s", where, part->file);
    if (bytes != part->bytes || strcmp (digest, part->digest) != 0)
      return adze_cli_refuse (state->cli,
                              "the bundle %s is damaged: %s has SHA-256 %s and %lld bytes, and was built with %s and "
                              "%lld",
                              where, part->file, digest, (long long)bytes, part->digest, (long long)part->bytes);
  }
  return ADZE_CLI_FINE;
}
