; The grammar makes sections of `#` headings; one that is underlined starts a section only at the top.
(section . (atx_heading heading_content: (inline) @name)) @definition.section
(section . (setext_heading heading_content: (paragraph (inline) @name))) @definition.section
(setext_heading heading_content: (paragraph (inline) @name)) @definition.section
(html_block) @comment
