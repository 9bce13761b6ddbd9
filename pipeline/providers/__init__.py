"""Who can do it: one page of pure translation a provider, and the one dance that all services share.

Pages speak for documents, and name the line: S0:43 is line 43 of S0 as `cat -n` counts it.

    S0  SeeGen, "Seedance 2.0 API"               newest sample of April 2026     `seegen`, `seegen_*`
    S1  SeeGen, "SD 2.0 API", older, undated                                     `seegen_older`
    S2  seedance2.movie, "Seedance 2.0 API"      samples of January 2025         `seedance2_movie`
    S3  Seedancee2, "Enterprise API"             samples of June and July 2026   `seedancee2`
    S4  naci gateway, "SeeDance 2.0 Usage"       samples of March 2026           `naci`, `naci_answers`, `ark`

Where a document is silent or contradicts itself, one reading was taken, and is cited by its number:

    A2   fast costs 32 a second            A3   input seconds: estimated as written, reserved rounded up
    A4   upscales are charged by output    A6   no price row, so not sent        A7   `resolution` is a shape
    A8   videos go by review first         A9   so do pictures of people         A11  methods as the examples have them
    A12  "5s", never "5"                   A13  assets by their text id          A14  NONE is not over
    A15  the price list, not the sample    A16  part of a second is a whole one  A17  upscale sources by URL
    A18  jobs and upscales differ          A20  `output` may be anything         A21  errors in any form
    A24  links of unknown life             A25  the mode is always said          A26  the shape too
    B2   the body's code before HTTP's     B3   addresses as texts               B4   no roles, so no last frame
    B5   sounds by URL                     B7   Ark's ratios                     B8   over the limit, with an id: taken
    B9   fast 1080p as priced              B17  seeds below 2**31                B19  a cancel is only asked for
    C5   the 100 newest tasks, no more     C7   frames in their own fields       C8   videos as a list
    C9   one output                        C12  a last frame may be the poster   C14  a failed task cost what it charged
    C15  a bearer token                    C16  no upload, links of unknown life C19  seeds below 2**31
    D1   every form of answer is read      D3   usage in the samples is made up  D4   usage is kept as told
    D6   Ark's fields at the top level     D7   errors as in its family          D9   prices from the user
    D10  links live a day, as Ark's do
"""
