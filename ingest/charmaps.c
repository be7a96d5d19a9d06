/* charmaps - tables of characters, loaded once for all children.
 *
 * Poppler reads the folders of poppler-data when the first document of a process
 * is opened and forgets them with the last. A lane that keeps one document open for
 * as long as it lives has children that inherit the tables: they need not list
 * folders, for which they have no right, nor read the same files for every document.
 * What is left to read is the map that a font names (sandbox.c: MAPS).
 *
 * The strings of a PDF outside its pages are UTF-16, which glib converts with iconv,
 * which loads a module for that, which a child cannot: the lane keeps both converters
 * open. libxml2 falls back to ICU, whose tables are mapped from the start.
 *
 * What cannot be had in spite of all that Poppler only mentions; see complaint.c. */
#include "ingest/charmaps.h"

#include "ingest/complaint.h"

#include <poppler.h>

static const char empty_file[] = "%PDF-1.4\n"
                                 "1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n"
                                 "2 0 obj <</Type /Pages /Kids [] /Count 0>> endobj\n"
                                 "trailer <</Root 1 0 R>>\n";

static void hear(const char *domain, GLogLevelFlags level, const char *message,
                 void *arg)
{
    (void)domain;
    (void)level;
    (void)arg;
    complaint_hear(message);
}

void charmaps_hold(void)
{
    enum { CONVERTERS = 2 };
    static PopplerDocument *held;
    static GIConv converter[CONVERTERS];
    GBytes *bytes = g_bytes_new_static(empty_file, sizeof empty_file - 1);

    g_log_set_handler("Poppler", (GLogLevelFlags)G_LOG_LEVEL_MASK, hear, NULL);
    if (!held)
        held = poppler_document_new_from_bytes(bytes, NULL, NULL);
    g_bytes_unref(bytes);
    for (int i = 0; i < CONVERTERS; i++)
        if (!converter[i])
            converter[i] = g_iconv_open("UTF-8", i == 0 ? "UTF-16BE" : "UTF-16LE");
}
