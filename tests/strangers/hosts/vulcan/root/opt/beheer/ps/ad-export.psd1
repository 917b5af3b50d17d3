@{
    Deurcontrollers = @('192.168.31.11', 'deur-zij')
    SqlServer       = 'sql1\TOEGANG'
    Mail            = @{ Host = 'mailhub2'; Port = 587 }
    # Deurcontrollers = @('deur-oud')
}
