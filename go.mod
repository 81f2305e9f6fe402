module popscope

go 1.26.0
