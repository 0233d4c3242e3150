/* SPDX-License-Identifier: Apache-2.0 */
/* phase/manifest.h: a bundle is a folder with files and manifest.json, which names each with its size and SHA-256. */
#ifndef ADZE_PHASE_MANIFEST_H
#define ADZE_PHASE_MANIFEST_H

#include "phase/state.h"
#include "phase/tree.h"

#define PHASE_MANIFEST "manifest.json"

enum { PHASE_MANIFEST_MOST = 64 << 20 };

/* ---- digest.c */

enum { PHASE_DIGEST = 65 }; /* letters of a SHA-256 in hexadecimal, and the end */

/* Reads all of FROM, and writes it to TO unless that is -1. False with errno. */
bool phase_digest (int from, int to, char digest[PHASE_DIGEST], int64_t *bytes);
/* Of the file NAME of FOLDER, which must be a regular one. */
bool phase_digest_at (int folder, const char *name, char digest[PHASE_DIGEST], int64_t *bytes);

/* ---- manifest.c */

typedef struct phase_part {
  char *file;
  char digest[PHASE_DIGEST];
  int64_t bytes;
} phase_part;

typedef struct phase_manifest {
  char digest[PHASE_DIGEST]; /* of manifest.json itself, and so of the bundle */
  phase_part *parts;
  size_t count;
} phase_manifest;

void phase_manifest_cleanup (phase_manifest *manifest);
#define PHASE_MANIFEST_AUTO __attribute__ ((cleanup (phase_manifest_cleanup))) phase_manifest

/* The text of manifest.json in FOLDER, to be freed, and its digest. NULL with errno. */
char *phase_manifest_text (int folder, char digest[PHASE_DIGEST]);
bool phase_manifest_is_json (const phase_state *state, const char *text);

/* That of the bundle in FOLDER; WHERE is its path, for messages. */
int phase_manifest_read (const phase_state *state, int folder, const char *where, phase_manifest *manifest);

/* Is every file there, and what the manifest says? */
int phase_manifest_check (const phase_state *state, int folder, const char *where, const phase_manifest *manifest);

/* Puts SIZE bytes into the new file NAME of FOLDER, synced. False with errno. */
bool phase_write_at (int folder, const char *name, const void *bytes, size_t size);

#endif
