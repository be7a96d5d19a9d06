/* prologue - what an XML file says before its first element, read from its bytes. */
#ifndef INGEST_PROLOGUE_H
#define INGEST_PROLOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool prologue_declares_xml(const uint8_t *bytes,
                           size_t count); /* "<?xml" comes first */
bool prologue_begins_markup(const uint8_t *bytes, size_t count);

/* The reason to refuse declarations in a DOCTYPE. */
extern const char prologue_subset[];

/* Why the file is damaged, as far as libxml2 would not say so; NULL when it is not.
 * Bytes that cannot be read as ASCII in one of the widths are left to libxml2. */
const char *prologue_fault(const uint8_t *bytes, size_t count);

/* The encoding that libxml2 has to be told, NULL when it finds out; prologue_utf32 when
 * it cannot read it. */
extern const char prologue_utf32[];
const char *prologue_encoding(const uint8_t *bytes, size_t count);

#endif
