/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/format.h: models out of files and into files, through the plugins that know how. */
#ifndef ADZE_ARTIFACT_FORMAT_H
#define ADZE_ARTIFACT_FORMAT_H

#include "artifact/files.h"
#include "artifact/guard.h"
#include "artifact/model.h"
#include "plugin/runtime.h"

typedef struct adze_writer adze_writer;

typedef struct adze_format_options {
  const char *format;         /* its id; NULL: whichever recognises the file */
  const adze_document *document; /* where SETTINGS lies, for messages; NULL: nowhere */
  const adze_value *settings; /* the format's parameters; NULL: presets */
  uint64_t structure_limit;   /* bytes; 0: 100 MB */
  adze_guard *guard;          /* for writing: what must not be written over; NULL: nothing */
  const char *tag;            /* for adze_model_write: as in adze_writer_open; NULL: one of its own */
  adze_writer **written;      /* for it, too: becomes the writer, for adze_writer_file and for whoever
                               * asks to close; NULL: nobody asks */
  unsigned lanes;             /* for it, too: how many threads copy, each with ADZE_COPY_PIECE bytes in
                               * hand; 0: all there are */
} adze_format_options;

/* OPTIONS may be NULL. Refuses what the catalog's rules refuse (adze/draft/format.h): every
 * message names the file and the place. */
ADZE_MUST_CHECK adze_error *adze_model_open (adze_runtime *runtime, const char *path,
                                             const adze_format_options *options,
                                             adze_model **model);

/* The id of the format that would write PATH, by the name's ending. */
ADZE_MUST_CHECK adze_error *adze_format_for_path (adze_runtime *runtime, const char *path,
                                                  const char **format);

/* Can FORMAT hold such a tensor? The refusal says why, and lists the formats that can. */
ADZE_MUST_CHECK adze_error *adze_format_carries (adze_runtime *runtime, const char *format,
                                                 const adze_format_options *options,
                                                 const adze_tensor_meta *meta);

/* Can a file of this name (its folder does not count) be what the parameters ask for, before there is
 * any model? A format that cannot be asked says nothing against it. */
ADZE_MUST_CHECK adze_error *adze_format_takes_name (adze_runtime *runtime, const char *format,
                                                    const adze_format_options *options,
                                                    const char *path);

/* Lays MODEL out as PATH and writes nothing: says what adze_writer_open would say against it.
 * *BYTES: of all its files. BOUNDS: its shapes are bounds, so that only its tensors can be asked
 * about, and BYTES are those of the tensors. */
ADZE_MUST_CHECK adze_error *adze_format_try_model (adze_runtime *runtime, const char *path,
                                                   const adze_format_options *options,
                                                   const adze_model *model, bool bounds,
                                                   uint64_t *bytes);

/* ---- Writing. */

/* The bytes of a TAG by which runs are told apart in a folder. */
#define ADZE_RUN_TAG 12

/* Where the bytes of a tensor go. */
typedef struct adze_writer_place {
  int fd;
  uint64_t offset;
} adze_writer_place;

/* What may be taken over of an earlier attempt: nothing; the temporary files, with what they hold so
 * far; or files that have their final names already, too, because all of it was written then. Those
 * are opened for reading alone, and for the caller to verify. */
typedef enum adze_resume {
  ADZE_RESUME_NOT = 0,
  ADZE_RESUME_PARTS,
  ADZE_RESUME_WHOLE
} adze_resume;

/* Lays MODEL (its tensors' data is not looked at, only metas, metadata, traits, parts) out as
 * PATH, and makes the files that it takes beside it under temporary names, which are a function of
 * TAG: ".NAME.TAG.part". Files of that name and the same layout that are there already are taken
 * over as RESUME says; *RESUMED says whether all were. Literal bytes are written
 * at once. */
ADZE_MUST_CHECK adze_error *adze_writer_open (adze_runtime *runtime, const char *path,
                                              const adze_format_options *options,
                                              const adze_model *model, const char *tag,
                                              adze_resume resume, bool *resumed,
                                              adze_writer **writer);

/* Can the file of an output be written as PATH, under a temporary name whose tag has TAG_SIZE bytes
 * until it is complete? */
ADZE_MUST_CHECK adze_error *adze_target_check (const char *path, size_t tag_size);

adze_writer_place adze_writer_place_of (const adze_writer *writer, size_t tensor);
/* The temporary file that it is in: for messages. */
const char *adze_writer_path_of (const adze_writer *writer, size_t tensor);
/* The name that file number INDEX has once it is committed; NULL beyond the last. */
const char *adze_writer_file (const adze_writer *writer, uint32_t index);
/* Bytes of all files. */
uint64_t adze_writer_size (const adze_writer *writer);

/* fsync, rename over the final names, fsync of the folder. Where there are several files, an older
 * number 0, through which the others are found, is taken away first, and the new one gets its name
 * last, each with the folder synced: at no moment is there one that leads to old and new files. */
ADZE_MUST_CHECK adze_error *adze_writer_commit (adze_writer *writer);
/* Frees; KEEP: leaves the temporary files of an uncommitted one for a later resume, else removes
 * them. */
void adze_writer_close (adze_writer *writer, bool keep);

/* What a thread has in hand that copies a model: more makes it no faster, since each piece goes from
 * the system and to it in one call. */
#define ADZE_COPY_PIECE ((uint64_t)1 << 20)

/* One whole model into another file: what `adze convert` does. Nothing is taken over of an earlier
 * attempt; with the TAG of one, its temporary files are replaced. */
ADZE_MUST_CHECK adze_error *adze_model_write (adze_runtime *runtime, const adze_model *model,
                                              const char *path,
                                              const adze_format_options *options);

#endif
