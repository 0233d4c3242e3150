/* SPDX-License-Identifier: Apache-2.0 */
/* npy.h: what the files of this plugin share.
 *   npy.c         parameters and callbacks
 *   npy_array.c   one array: its header, and examples out of it
 *   npy_header.c  the Python dictionary that describes an array
 *   npy_zip.c     the archive that an .npz file is */
#ifndef ADZE_PLUGIN_NPY_H
#define ADZE_PLUGIN_NPY_H

#include <adze/sdk.h>

/* Of the text that describes an array; numpy itself writes some hundred bytes. */
#define NPY_HEADER_MAX 65536

/* ---- npy_header.c */

typedef struct npy_form {
  adze_dtype dtype;
  bool big_endian;
  bool fortran;
  int32_t rank;
  int64_t shape[ADZE_RANK_MAX];
} npy_form;

/* {'descr': '<f4', 'fortran_order': False, 'shape': (60, 4), } and blanks. NAME is for messages. */
adze_status npy_header_read (const adze_host *host, const char *name, const char *text,
                             size_t size, npy_form *form);

/* ---- npy_array.c */

/* Bytes that lie in the file, or were unpacked. */
typedef struct npy_bytes {
  adze_file *file;
  uint64_t offset, size;
  unsigned char *data; /* malloc'ed; NULL: in the file */
} npy_bytes;

typedef struct npy_array {
  char *name;  /* of the column */
  char *where; /* for messages: the path, and the member of the archive */
  npy_bytes bytes;
  npy_form form;
  uint64_t data; /* where in BYTES the elements begin */
  size_t example_size;
} npy_array;

/* NAME and BYTES are filled in. Checks that header and bytes fit. */
adze_status npy_array_open (const adze_host *host, npy_array *array);
/* Little-endian and row by row, whatever the file has. */
adze_status npy_array_read (const adze_host *host, const npy_array *array,
                            const uint64_t *examples, size_t count, unsigned char *room);
void npy_array_release (const adze_host *host, npy_array *array);

/* ---- npy_zip.c */

typedef struct npy_member {
  const char *name; /* in DIRECTORY; not NUL-terminated */
  uint16_t name_size;
  uint16_t method;
  uint32_t crc;
  uint32_t packed, size;
  uint32_t at; /* of its header */
} npy_member;

typedef struct npy_zip {
  adze_file *file;
  const char *path;
  uint32_t directory_at;
  unsigned char *directory; /* malloc'ed */
  npy_member *members;      /* malloc'ed */
  size_t count;
} npy_zip;

/* The table of contents of PATH, checked: no member lies over another one. */
adze_status npy_zip_open (const adze_host *host, adze_file *file, const char *path, npy_zip *zip);
/* The member's bytes, checked against its checksum; unpacked when they are packed. */
adze_status npy_zip_read (const adze_host *host, const npy_zip *zip, const npy_member *member,
                          npy_bytes *bytes);
void npy_zip_release (npy_zip *zip);

#endif
